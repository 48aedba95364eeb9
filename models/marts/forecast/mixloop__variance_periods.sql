{{ config(materialized='table_if_changed') }}
{%- set causes = [
    'spend', 'media_price', 'timing', 'frequency', 'context', 'event', 'restated', 'mapping',
    'unexplained',
] -%}
with variance as (
    select * from {{ ref('int_mixloop__forecast_variance') }}
),

published_forecasts as (
    select * from {{ ref('int_mixloop__published_forecasts') }}
),

plans as (
    select
        run_id,
        plan_id,
        any_value(forecast_kind) as forecast_kind,
        any_value(plan_source) as plan_source,
        any_value(revision) as revision
    from published_forecasts
    group by run_id, plan_id
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

-- the causes of a node beside its total; of the KPI, whose node is `kpi`, each cause is summed up
nodes as (
    select
        *,
        case when driver_type = 'channel' then driver_id else 'kpi' end as node_id
    from variance
    where driver_type in ('channel', 'total', 'unexplained')
),

wide as (
    select
        run_id,
        plan_id,
        geo,
        node_id,
        period_type,
        period_id,
        max(model_id) as model_id,
        max(as_of_week) as as_of_week,
        max(first_week) as first_week,
        max(last_week) as last_week,
        max(n_weeks) as n_weeks,
        max(n_weeks_of_period) as n_weeks_of_period,
        max(allocation) as allocation,
        max(hierarchy_id) as hierarchy_id,
        max(is_pooled) as is_pooled,
        max(forecast_mean) filter (where cause = 'total') as forecast,
        max(actual_mean) filter (where cause = 'total') as actual,
        {%- for part in ['mean', 'p05', 'p95'] %}
        max(variance_{{ part }}) filter (where cause = 'total') as variance_{{ part }},
        {%- endfor %}
        {%- for cause in causes %}
        {%- for part in ['mean', 'p05', 'p95'] %}
        max(variance_{{ part }}) filter (where cause = '{{ cause }}') as {{ cause }}_{{ part }},
        {%- endfor %}
        {%- endfor %}
        max(z_score) filter (where cause = 'unexplained') as unexplained_z_score,
        max(z_score) filter (where cause = 'total') as z_score,
        any_value(ranked_drivers) filter (where cause = 'total') as ranked_drivers,
        any_value(sentence) filter (where cause = 'total') as sentence
    from nodes
    group by run_id, plan_id, geo, node_id, period_type, period_id
),

final as (
    select
        {{ mixloop.surrogate_key([
            'wide.run_id', 'wide.plan_id', 'wide.geo', 'wide.node_id', 'wide.period_type',
            'wide.period_id',
        ]) }} as variance_period_id,
        wide.run_id,
        wide.model_id,
        plans.forecast_kind,
        wide.plan_id,
        plans.plan_source,
        plans.revision,
        wide.as_of_week,
        wide.geo,
        wide.node_id,
        coalesce(components.label, wide.node_id) as node_label,
        case when wide.node_id = 'kpi' then 'kpi' else 'channel' end as node_type,
        wide.allocation,
        wide.hierarchy_id,
        wide.is_pooled,
        wide.period_type,
        wide.period_id,
        wide.first_week,
        wide.last_week,
        wide.n_weeks,
        wide.n_weeks_of_period,
        wide.n_weeks = wide.n_weeks_of_period as is_whole_period,
        wide.forecast,
        wide.actual,
        wide.variance_mean,
        wide.variance_p05,
        wide.variance_p95,
        wide.z_score,
        {%- for cause in causes %}
        wide.{{ cause }}_mean,
        wide.{{ cause }}_p05,
        wide.{{ cause }}_p95,
        {%- endfor %}
        wide.unexplained_z_score,
        wide.ranked_drivers,
        wide.sentence,
        (select publication.overrides from publication) as overrides
    from wide
    left join plans
        on
            wide.run_id = plans.run_id
            and wide.plan_id = plans.plan_id
    left join components
        on wide.node_id = components.component_id
)

select * from final
