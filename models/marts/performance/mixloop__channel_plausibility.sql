-- one row per current run x modelled channel: are its return and its share of the effect credible
with performance as (
    select * from {{ ref('int_mixloop__channel_performance') }}
    where period_id = 'training' and is_additive
),

-- what the client believes of a return, where there is a view
beliefs as (
    select
        model_id,
        channel_id,
        roi_low,
        roi_high
    from {{ ref('int_mixloop__model_channels') }}
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

bands as (
    select
        performance.*,
        coalesce(
            beliefs.roi_low, {{ var('mixloop__roi_plausible_low') }} * performance.hurdle_roi
        ) as plausible_roi_low,
        coalesce(
            beliefs.roi_high, {{ var('mixloop__roi_plausible_high') }} * performance.hurdle_roi
        ) as plausible_roi_high,
        case
            when beliefs.roi_low is not null or beliefs.roi_high is not null then 'client'
            else 'default'
        end as plausible_source,
        performance.share_of_effect_p50 / nullif(performance.share_of_spend, 0)
            as effect_over_spend
    from performance
    left join beliefs
        on
            performance.model_id = beliefs.model_id
            and performance.node_id = beliefs.channel_id
),

judged as (
    select
        *,
        case
            when roi_p50 > plausible_roi_high then 'above'
            when roi_p50 < plausible_roi_low then 'below'
            when roi_p50 is not null then 'inside'
        end as roi_position,
        coalesce(effect_over_spend > {{ var('mixloop__effect_over_spend_high') }}, false)
            as is_effect_beyond_spend,
        coalesce(share_of_kpi_p50 > {{ var('mixloop__share_of_kpi_high') }}, false)
            as is_share_of_kpi_high
    from bands
),

explained as (
    select
        *,
        nullif(
            concat_ws(
                '; ',
                case
                    when roi_position in ('above', 'below')
                        then
                            format(
                                'returns {:.3g} for each unit of money ({:.3g} to {:.3g}), '
                                || case roi_position
                                    when 'above' then 'more than {:.3g}, the most'
                                    else 'less than {:.3g}, the least'
                                end
                                || case plausible_source
                                    when 'client' then ' that the client believes'
                                    else ' that is plausible beside a hurdle of {:.3g}'
                                end,
                                roi_p50,
                                roi_p05,
                                roi_p95,
                                case roi_position
                                    when 'above' then plausible_roi_high else plausible_roi_low
                                end,
                                hurdle_roi
                            )
                end,
                case
                    when is_effect_beyond_spend
                        then
                            format(
                                'has {:.1f}% of the effect with {:.1f}% of the money, {:.1f} times '
                                || 'its share',
                                100 * share_of_effect_p50,
                                100 * share_of_spend,
                                effect_over_spend
                            )
                end,
                case
                    when is_share_of_kpi_high
                        then
                            format(
                                'explains {:.0f}% of the whole KPI ({:.0f} to {:.0f}%)',
                                100 * share_of_kpi_p50,
                                100 * share_of_kpi_p05,
                                100 * share_of_kpi_p95
                            )
                end
            ),
            ''
        ) as reason
    from judged
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'explained.node_id']) }} as channel_plausibility_id,
        explained.run_id,
        explained.model_id,
        explained.node_id as channel_id,
        components.label,
        components.owner,
        explained.reason is null as is_plausible,
        explained.reason,
        explained.spend,
        explained.share_of_spend,
        explained.share_of_effect_mean,
        explained.share_of_effect_p05,
        explained.share_of_effect_p50,
        explained.share_of_effect_p95,
        explained.effect_over_spend,
        explained.is_effect_beyond_spend,
        explained.share_of_kpi_mean,
        explained.share_of_kpi_p05,
        explained.share_of_kpi_p50,
        explained.share_of_kpi_p95,
        explained.is_share_of_kpi_high,
        explained.roi_mean,
        explained.roi_p05,
        explained.roi_p50,
        explained.roi_p95,
        explained.hurdle_roi,
        explained.plausible_roi_low,
        explained.plausible_roi_high,
        explained.plausible_source,
        explained.roi_position,
        (select publication.overrides from publication) as overrides
    from explained
    left join components
        on explained.node_id = components.component_id
)

select * from final
