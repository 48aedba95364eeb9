-- Append-only: what every live run said of its channels, as it was said. What is said otherwise of
-- the same run, because a hurdle or a var has changed, is its next revision.
{{ mixloop.protect_history() }}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=var('mixloop__allow_history_refresh', false),
        database=var('mixloop__history_database'),
    )
}}

with hypotheses as (
    select * from {{ ref('int_mixloop__hypotheses') }}
),

consistency as (
    select * from {{ ref('int_mixloop__consistency') }}
),

specifications as (
    select * from {{ ref('int_mixloop__specifications') }}
),

whole_run as (
    select
        run_id,
        channel_id,
        any_value(roi_mean) as roi_mean
    from specifications
    where dimension = 'all'
    group by run_id, channel_id
),

-- one vote for each dimension of the curve, shared by how likely its choices are, and one for each
-- run of another baseline
agreement as (
    select
        specifications.run_id,
        specifications.channel_id,
        count(*) as n_specifications,
        sum(
            case
                when
                    (specifications.roi_mean > hypotheses.hurdle_roi)
                    = (whole_run.roi_mean > hypotheses.hurdle_roi)
                    then coalesce(specifications.probability, 1.0)
                else 0.0
            end
            order by specifications.dimension, specifications.specification
        )
        / sum(
            coalesce(specifications.probability, 1.0)
            order by specifications.dimension, specifications.specification
        ) as share_specifications_agree
    from specifications
    inner join hypotheses
        on
            specifications.run_id = hypotheses.run_id
            and specifications.channel_id = hypotheses.channel_id
    inner join whole_run
        on
            specifications.run_id = whole_run.run_id
            and specifications.channel_id = whole_run.channel_id
    where
        specifications.dimension != 'all'
        and specifications.roi_mean is not null
    group by specifications.run_id, specifications.channel_id
),

published as (
    {% if is_incremental() %}
    select
        run_id,
        channel_id,
        revision,
        record_number,
        content_hash
    from {{ this }}
    {% else %}
    select
        cast(null as varchar) as run_id,
        cast(null as varchar) as channel_id,
        cast(null as integer) as revision,
        cast(null as integer) as record_number,
        cast(null as varchar) as content_hash
    where false
    {% endif %}
),

latest as (
    select
        run_id,
        channel_id,
        max(revision) as revision,
        max_by(content_hash, revision) as content_hash
    from published
    group by run_id, channel_id
),

newest as (
    select coalesce(max(record_number), 0) as record_number
    from published
),

said as (
    select
        hypotheses.*,
        consistency.n_origins,
        consistency.share_same_side_of_hurdle as share_origins_agree,
        agreement.n_specifications,
        agreement.share_specifications_agree,
        md5(
            concat_ws(
                '|',
                hypotheses.run_id,
                hypotheses.channel_id,
                hypotheses.direction,
                {%- for name in [
                    'hurdle_roi', 'weekly_spend', 'p_over', 'best_weekly_spend',
                    'marginal_roi_mean', 'marginal_roi_p05', 'marginal_roi_p50', 'marginal_roi_p95',
                    'movable_spend_mean', 'movable_spend_p05', 'movable_spend_p50',
                    'movable_spend_p95', 'gain_mean', 'gain_p05', 'gain_p50', 'gain_p95',
                ] %}
                format('{:.5e}', hypotheses.{{ name }}){{ ',' if not loop.last }}
                {%- endfor %}
            )
        ) as content_hash
    from hypotheses
    left join consistency
        on
            hypotheses.run_id = consistency.run_id
            and hypotheses.channel_id = consistency.channel_id
    left join agreement
        on
            hypotheses.run_id = agreement.run_id
            and hypotheses.channel_id = agreement.channel_id
),

final as (
    select
        {{ mixloop.surrogate_key([
            'said.run_id', 'said.channel_id', 'coalesce(latest.revision, 0) + 1',
        ]) }} as published_hypothesis_id,
        said.run_id,
        said.model_id,
        said.as_of_week,
        cast(newest.record_number + 1 as integer) as record_number,
        said.channel_id,
        cast(coalesce(latest.revision, 0) + 1 as integer) as revision,
        said.is_pooled,
        said.hurdle_roi,
        said.weekly_spend,
        said.p_over,
        said.direction,
        said.best_weekly_spend,
        said.marginal_roi_mean,
        said.marginal_roi_p05,
        said.marginal_roi_p50,
        said.marginal_roi_p95,
        said.movable_spend_mean,
        said.movable_spend_p05,
        said.movable_spend_p50,
        said.movable_spend_p95,
        said.gain_mean,
        said.gain_p05,
        said.gain_p50,
        said.gain_p95,
        said.n_origins,
        said.share_origins_agree,
        said.n_specifications,
        said.share_specifications_agree,
        said.content_hash
    from said
    cross join newest
    left join latest
        on
            said.run_id = latest.run_id
            and said.channel_id = latest.channel_id
    where said.content_hash is distinct from latest.content_hash
)

select * from final
