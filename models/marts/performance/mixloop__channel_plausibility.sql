-- one row per current run x modelled channel: are its return and its share of the effect credible
with performance as (
    select * from {{ ref('int_mixloop__channel_performance') }}
    where period_id = 'training' and is_additive
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

bands as (
    select
        *,
        {{ var('mixloop__roi_plausible_low') }} * hurdle_roi as plausible_roi_low,
        {{ var('mixloop__roi_plausible_high') }} * hurdle_roi as plausible_roi_high,
        share_of_effect_p50 / nullif(share_of_spend, 0) as effect_over_spend
    from performance
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
                                || ' that is plausible beside a hurdle of {:.3g}',
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
        explained.roi_position,
        (select publication.overrides from publication) as overrides
    from explained
    left join components
        on explained.node_id = components.component_id
)

select * from final
