-- In every period the causes add up to the variance and the variance leads from forecast to actual.
-- Months and quarters are the sums of their weeks, cause by cause, and geo `all` that of the geos
-- where every geo has the same weeks.
{%- set causes = [
    'spend', 'media_price', 'timing', 'frequency', 'context', 'event', 'restated', 'mapping',
    'unexplained',
] %}
with periods as (
    select
        *,
        0
        {%- for cause in causes %}
        + coalesce({{ cause }}_mean, 0)
        {%- endfor %} as causes,
        1 + abs(forecast) + abs(actual)
        {%- for cause in causes %}
        + abs(coalesce({{ cause }}_mean, 0))
        {%- endfor %} as size
    from {{ ref('mixloop__variance_periods') }}
),

weeks as (
    select
        *,
        strftime(first_week, '%Y-%m') as month_id,
        concat(year(first_week), '-Q', quarter(first_week)) as quarter_id
    from periods
    where period_type = 'week'
),

joined as (
    select
        periods.variance_period_id,
        periods.size,
        periods.variance_mean,
        periods.spend_mean,
        periods.timing_mean,
        periods.unexplained_mean,
        sum(weeks.variance_mean) as variance_of_weeks,
        sum(weeks.spend_mean) as spend_of_weeks,
        sum(weeks.timing_mean) as timing_of_weeks,
        sum(weeks.unexplained_mean) as unexplained_of_weeks
    from periods
    inner join weeks
        on
            periods.run_id = weeks.run_id
            and periods.plan_id = weeks.plan_id
            and periods.geo = weeks.geo
            and periods.node_id = weeks.node_id
            and periods.period_id = case periods.period_type
                when 'month' then weeks.month_id
                when 'quarter' then weeks.quarter_id
            end
    group by all
),

geos as (
    select
        run_id,
        plan_id,
        node_id,
        period_type,
        period_id,
        max(size) as size,
        max(n_weeks) as most_weeks,
        min(n_weeks) as least_weeks,
        sum(variance_mean) filter (where geo = 'all') as whole,
        sum(variance_mean) filter (where geo != 'all') as parts
    from periods
    group by run_id, plan_id, node_id, period_type, period_id
),

offenders as (
    select concat_ws(' ', 'causes of', variance_period_id) as offender
    from periods
    where
        not coalesce(
            abs(variance_mean - causes) <= 1e-9 * size
            and abs(actual - forecast - variance_mean) <= 1e-9 * size,
            false
        )
    union all
    select concat_ws(' ', 'weeks of', variance_period_id) as offender
    from joined
    where
        not coalesce(abs(variance_mean - variance_of_weeks) <= 1e-9 * size, false)
        or abs(coalesce(spend_mean, 0) - coalesce(spend_of_weeks, 0)) > 1e-9 * size
        or abs(coalesce(timing_mean, 0) - coalesce(timing_of_weeks, 0)) > 1e-9 * size
        or abs(coalesce(unexplained_mean, 0) - coalesce(unexplained_of_weeks, 0)) > 1e-9 * size
    union all
    select concat_ws(' ', 'geos of', run_id, plan_id, node_id, period_id) as offender
    from geos
    where
        most_weeks = least_weeks
        and not coalesce(abs(whole - parts) <= 1e-9 * size, whole is null)
)

select * from offenders
