with channel_performance as (
    select * from {{ ref('int_mixloop__channel_performance') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

media_weekly as (
    select * from {{ ref('int_mixloop__media_weekly') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

periods as (
    select
        run_id,
        model_id,
        period_id,
        any_value(period_start) as period_start,
        any_value(period_end) as period_end,
        any_value(hurdle_roi) as hurdle_roi
    from channel_performance
    group by run_id, model_id, period_id
),

-- Leaves that no model estimates, `unmapped` among them: money is known, the effect is not.
-- Every period meets every such leaf on purpose; money outside the period falls away in the sum.
not_estimated as (
    select
        periods.run_id,
        periods.model_id,
        periods.period_id,
        periods.period_start,
        periods.period_end,
        periods.hurdle_roi,
        media_weekly.channel_id as node_id,
        cast(sum(media_weekly.spend) as double) as spend
    from periods
    inner join model_geos
        on periods.model_id = model_geos.model_id
    inner join media_weekly
        on
            model_geos.geo = media_weekly.geo
            and media_weekly.week between periods.period_start and periods.period_end
    inner join channel_tree
        on
            media_weekly.channel_id = channel_tree.channel_id
            and channel_tree.estimated_at is null
    group by
        periods.run_id,
        periods.model_id,
        periods.period_id,
        periods.period_start,
        periods.period_end,
        periods.hurdle_roi,
        media_weekly.channel_id
),

all_nodes as (
    select
        *,
        true as is_estimated
    from channel_performance
    union all by name
    select
        *,
        false as is_estimated,
        true as is_additive,
        'main' as hierarchy_id,
        false as is_pooled
    from not_estimated
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key([
            'run_id', 'period_id', 'all_nodes.node_id',
        ]) }} as channel_performance_id,
        all_nodes.run_id,
        all_nodes.model_id,
        all_nodes.period_id,
        all_nodes.period_start,
        all_nodes.period_end,
        all_nodes.node_id as channel_id,
        components.label,
        components.owner,
        components.parent_id,
        all_nodes.is_estimated,
        all_nodes.is_additive,
        all_nodes.allocation,
        all_nodes.hierarchy_id,
        all_nodes.is_pooled,
        all_nodes.pool_id,
        all_nodes.range_note,
        all_nodes.spend,
        all_nodes.share_of_spend,
        all_nodes.hurdle_roi,
        all_nodes.effect_mean,
        all_nodes.effect_p05,
        all_nodes.effect_p50,
        all_nodes.effect_p95,
        all_nodes.share_of_effect_mean,
        all_nodes.share_of_effect_p05,
        all_nodes.share_of_effect_p50,
        all_nodes.share_of_effect_p95,
        all_nodes.share_of_kpi_mean,
        all_nodes.share_of_kpi_p05,
        all_nodes.share_of_kpi_p50,
        all_nodes.share_of_kpi_p95,
        all_nodes.roi_mean,
        all_nodes.roi_p05,
        all_nodes.roi_p50,
        all_nodes.roi_p95,
        all_nodes.marginal_roi_mean,
        all_nodes.marginal_roi_p05,
        all_nodes.marginal_roi_p50,
        all_nodes.marginal_roi_p95,
        all_nodes.cost_per_outcome_mean,
        all_nodes.cost_per_outcome_p05,
        all_nodes.cost_per_outcome_p50,
        all_nodes.cost_per_outcome_p95,
        all_nodes.saturation_mean,
        all_nodes.saturation_p05,
        all_nodes.saturation_p50,
        all_nodes.saturation_p95,
        all_nodes.half_life_weeks_mean,
        all_nodes.half_life_weeks_p05,
        all_nodes.half_life_weeks_p50,
        all_nodes.half_life_weeks_p95,
        all_nodes.headroom_spend_mean,
        all_nodes.headroom_spend_p05,
        all_nodes.headroom_spend_p50,
        all_nodes.headroom_spend_p95,
        all_nodes.p_marginal_roi_above_hurdle,
        (select publication.overrides from publication) as overrides
    from all_nodes
    left join components
        on all_nodes.node_id = components.component_id
)

select * from final
