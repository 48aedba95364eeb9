with decision_backtests as (
    select * from {{ ref('int_mixloop__decision_backtests') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

answered as (
    select
        *,
        case
            when n_moved = 0 then 'nothing moved'
            when p_gain >= 0.9 then 'ahead'
            when p_gain <= 0.1 then 'behind'
            else 'not sure'
        end as answer,
        case when actual_kpi > 0 then gain_mean / actual_kpi end as gain_share_mean,
        case when actual_kpi > 0 then gain_p05 / actual_kpi end as gain_share_p05,
        case when actual_kpi > 0 then gain_p50 / actual_kpi end as gain_share_p50,
        case when actual_kpi > 0 then gain_p95 / actual_kpi end as gain_share_p95
    from decision_backtests
),

worded as (
    select
        *,
        case
            when n_moved = 0
                then concat('The advice of ', origin_week, ' was to leave the money where it was.')
            else
                concat(
                    'Had the advice of ',
                    origin_week,
                    ' been followed in the ',
                    n_weeks,
                    ' weeks to ',
                    last_week,
                    case when more_for is not null then concat(': more for ', more_for) end,
                    case when less_for is not null then concat(', less for ', less_for) end,
                    '. At the same budget, ',
                    case
                        when gain_share_mean is null
                            then format(
                                '{:.4g} of the KPI more ({:.4g} to {:.4g})',
                                gain_mean,
                                gain_p05,
                                gain_p95
                            )
                        else
                            format(
                                '{:+.2f}% of the KPI ({:+.2f}% to {:+.2f}%)',
                                100 * gain_share_mean,
                                100 * gain_share_p05,
                                100 * gain_share_p95
                            )
                    end,
                    format(
                        ', says the newest model: ahead with probability {:.2f}.', p_gain
                    )
                )
        end as sentence
    from answered
),

final as (
    select
        {{ mixloop.surrogate_key(['model_id', 'origin_week']) }} as decision_backtest_id,
        model_id,
        origin_week,
        run_id,
        newest_run_id,
        first_week,
        last_week,
        n_weeks,
        budget,
        moved_spend,
        n_moved,
        more_for,
        less_for,
        budget_then,
        expected_gain_mean,
        expected_gain_p05,
        expected_gain_p50,
        expected_gain_p95,
        p_better_then,
        gain_mean,
        gain_p05,
        gain_p50,
        gain_p95,
        p_gain,
        gain_in_window_mean,
        gain_in_window_p05,
        gain_in_window_p50,
        gain_in_window_p95,
        gain_after_mean,
        actual_kpi,
        kpi_if_followed_mean,
        kpi_if_followed_p05,
        kpi_if_followed_p50,
        kpi_if_followed_p95,
        gain_share_mean,
        gain_share_p05,
        gain_share_p50,
        gain_share_p95,
        answer,
        sentence,
        (select publication.overrides from publication) as overrides
    from worded
)

select * from final
