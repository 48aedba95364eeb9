-- Append-only: what was said about the past, as it was said. `mixloop__contributions` is what is
-- said today. A run is published once under each mapping version.
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

with contributions as (
    select * from {{ ref('mixloop__contributions') }}
    where geo = 'all'
),

runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

current_version as (
    select mapping_version
    from {{ ref('mixloop__mapping_versions') }}
    where is_current
),

media as (
    select * from {{ ref('int_mixloop__media_weekly') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

rollup_leaves as (
    select * from {{ ref('int_mixloop__rollup_leaves') }}
),

node_spend as (
    select
        model_geos.model_id,
        media.week,
        rollup_leaves.node_id as component_id,
        sum(media.spend) as spend
    from media
    inner join model_geos
        on media.geo = model_geos.geo
    inner join rollup_leaves
        on media.channel_id = rollup_leaves.leaf_id
    group by model_geos.model_id, media.week, rollup_leaves.node_id
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key([
            'contributions.run_id', 'current_version.mapping_version', 'contributions.week',
            'contributions.component_id',
        ]) }} as published_contribution_id,
        contributions.run_id,
        contributions.model_id,
        runs.as_of_week,
        cast(current_version.mapping_version as integer) as mapping_version,
        contributions.week,
        contributions.component_id,
        contributions.component_type,
        contributions.component_label,
        contributions.owner,
        contributions.parent_id,
        contributions.is_additive,
        case
            when contributions.component_type = 'channel'
                then cast(coalesce(node_spend.spend, 0) as decimal(18, 6))
        end as spend,
        contributions.contribution_mean,
        contributions.contribution_p05,
        contributions.contribution_p50,
        contributions.contribution_p95,
        (select publication.overrides from publication) as overrides,
        contributions.allocation,
        contributions.is_pooled,
        contributions.hierarchy_id
    from contributions
    inner join runs
        on contributions.run_id = runs.run_id
    cross join current_version
    left join node_spend
        on
            contributions.model_id = node_spend.model_id
            and contributions.week = node_spend.week
            and contributions.component_id = node_spend.component_id
            and contributions.component_type = 'channel'
),

new_rows as (
    select *
    from final
    {% if is_incremental() %}
        where published_contribution_id not in (
            select known.published_contribution_id
            from {{ this }} as known
            where known.run_id in (select runs.run_id from runs)
        )
    {% endif %}
)

select * from new_rows
