-- Append-only: what was published stays as made. `int_mixloop__forecasts` is what this build
-- forecasts.
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

with forecasts as (
    select
        *,
        allocation is null and coalesce(hierarchy_id, 'main') = 'main' as is_of_main_plan
    from {{ ref('int_mixloop__forecasts') }}
),

published as (
    {% if is_incremental() %}
    select
        model_id,
        run_id,
        plan_id,
        revision,
        any_value(plan_hash) as plan_hash,
        {{ mixloop.published_value('nodes_hash') }} as nodes_hash
    from {{ this }}
    group by model_id, run_id, plan_id, revision
    {% else %}
    select
        cast(null as varchar) as model_id,
        cast(null as varchar) as run_id,
        cast(null as varchar) as plan_id,
        cast(null as integer) as revision,
        cast(null as varchar) as plan_hash,
        cast(null as varchar) as nodes_hash
    where false
    {% endif %}
),

latest_revisions as (
    select
        run_id,
        plan_id,
        max(revision) as revision,
        max_by(plan_hash, revision) as plan_hash,
        arg_max_null(nodes_hash, revision) as nodes_hash
    from published
    group by run_id, plan_id
),

published_models as (
    select model_id
    from published
    group by model_id
),

-- `plan_hash` is of the plan of channels, the nodes above them and drivers; `nodes_hash` of what
-- children of channels and nodes of other hierarchies were told, which also changes when the client
-- groups or maps anew. A ledger from before these nodes has the first only.
plans as (
    select
        run_id,
        plan_id,
        md5(
            coalesce(
                string_agg(
                    concat_ws(
                        '|',
                        geo,
                        week,
                        component_id,
                        coalesce(cast(planned_value as varchar), ''),
                        coalesce(cast(planned_spend as varchar), ''),
                        cast(planned_frequency as varchar)
                    ),
                    chr(10)
                    order by geo, week, component_id
                ) filter (
                    where
                    (planned_value is not null or planned_spend is not null)
                    and is_of_main_plan
                ),
                ''
            )
        ) as plan_hash,
        md5(
            coalesce(
                string_agg(
                    concat_ws('|', geo, week, component_id, format('{:.7e}', forecast_mean)),
                    chr(10)
                    order by geo, week, component_id
                ) filter (where not is_of_main_plan),
                ''
            )
        ) as nodes_hash
    from forecasts
    group by run_id, plan_id
),

{% if mixloop.as_of() %}
-- A build that looks back may see a plan as it was published before a later revision.
same_revisions as (
    select
        run_id,
        plan_id,
        plan_hash,
        nodes_hash,
        max(revision) as revision
    from published
    group by run_id, plan_id, plan_hash, nodes_hash
),

{% endif %}
-- A plan that is as it was last published keeps its revision; a changed one gets the next number.
plan_revisions as (
    select
        plans.run_id,
        plans.plan_id,
        plans.plan_hash,
        plans.nodes_hash,
        case
            when latest_revisions.revision is null then 1
            {%- if mixloop.as_of() %}
            when same_revisions.revision is not null then same_revisions.revision
            {%- endif %}
            when
                latest_revisions.plan_hash = plans.plan_hash
                and coalesce(latest_revisions.nodes_hash, plans.nodes_hash) = plans.nodes_hash
                then latest_revisions.revision
            else latest_revisions.revision + 1
        end as revision
    from plans
    left join latest_revisions
        on
            plans.run_id = latest_revisions.run_id
            and plans.plan_id = latest_revisions.plan_id
    {%- if mixloop.as_of() %}
    left join same_revisions
        on
            plans.run_id = same_revisions.run_id
            and plans.plan_id = same_revisions.plan_id
            and plans.plan_hash = same_revisions.plan_hash
            and plans.nodes_hash = same_revisions.nodes_hash
    {%- endif %}
),

-- A backtest forecast opens a model's record, so that there is a variance on day one; after that
-- only live forecasts are published.
publishable as (
    select
        forecasts.*,
        plan_revisions.plan_hash,
        plan_revisions.nodes_hash,
        plan_revisions.revision
    from forecasts
    inner join plan_revisions
        on
            forecasts.run_id = plan_revisions.run_id
            and forecasts.plan_id = plan_revisions.plan_id
    left join published_models
        on forecasts.model_id = published_models.model_id
    where
        forecasts.forecast_kind = 'live'
        or published_models.model_id is null
),

current_version as (
    select mapping_version
    from {{ ref('mixloop__mapping_versions') }}
    where is_current
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key([
            'run_id', 'plan_id', 'revision', 'geo', 'week', 'component_id',
        ]) }} as forecast_id,
        run_id,
        model_id,
        forecast_kind,
        plan_id,
        plan_source,
        revision,
        plan_hash,
        as_of_week,
        geo,
        week,
        horizon_weeks,
        component_id,
        component_type,
        is_additive,
        planned_value,
        planned_spend,
        forecast_mean,
        forecast_p05,
        forecast_p50,
        forecast_p95,
        {{ mixloop.forecast_content_hash() }} as content_hash,
        allocation,
        hierarchy_id,
        nodes_hash,
        is_pooled,
        (select publication.overrides from publication) as overrides,
        (select current_version.mapping_version from current_version) as mapping_version,
        planned_frequency
    from publishable
),

new_rows as (
    select *
    from final
    {% if is_incremental() %}
        where forecast_id not in (select published_rows.forecast_id from {{ this }} as published_rows)
    {% endif %}
)

select * from new_rows
