-- one row per check x series of the checks of size: outliers, lasting changes of level, price
-- jumps
{%- set jump = var('mixloop__jump_ratio') %}
{%- set min_weeks = 26 %}
with levels as (
    select * from {{ ref('int_mixloop__series_levels') }}
),

unusual_weeks as (
    select * from {{ ref('int_mixloop__unusual_weeks') }}
),

suspect_rows as (
    select * from {{ ref('int_mixloop__suspect_rows') }}
),

checked as (
    {%- for check_name, measure in [
        ('outcome_outlier', 'outcomes'),
        ('context_outlier', 'context'),
        ('media_outlier', 'media_spend'),
        ('media_price_jump', 'media_price'),
        ('outcome_level_shift', 'outcomes'),
        ('media_click_rate_shift', 'media_click_rate'),
    ] %}
    select
        '{{ check_name }}' as check_name,
        input_name,
        series,
        min(source_file) as source_file
    from levels
    where measure = '{{ measure }}' and n_weeks >= {{ min_weeks }}
    group by input_name, series
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

found as (
    select
        check_name,
        series,
        bool_or(reason is null) as is_warning,
        exp(max(abs(change))) as measured,
        count(*) as n_found,
        min(week) as first_week,
        max(week) as last_week,
        list_sort(flatten(list(first_rows)))[:5] as first_rows,
        array_to_string(
            list(
                concat(
                    'the week of ', week, ' ', what, ' (',
                    printf('%.1f', exp(abs(change))), ' times ',
                    case when change > 0 then 'higher' else 'lower' end,
                    coalesce(', ' || reason, ''), ')'
                )
                order by reason is not null, abs(change) desc, week
            )[:3],
            '; '
        ) as words
    from unusual_weeks
    group by check_name, series
),

level_checks as (
    select
        checked.check_name,
        checked.series,
        checked.input_name,
        case
            when found.is_warning then 'warn'
            when found.series is not null then 'info'
            else 'pass'
        end as severity,
        found.measured,
        cast(
            case checked.check_name when 'media_outlier' then {{ jump * jump }} else {{ jump }} end
            as double
        ) as threshold,
        coalesce(found.n_found, 0) as n_found,
        found.first_week,
        found.last_week,
        checked.source_file,
        array_to_string(coalesce(suspect_rows.first_rows, found.first_rows), ', ') as source_rows,
        concat(
            case checked.check_name
                when 'outcome_outlier' then 'the KPI'
                when 'outcome_level_shift' then 'the level of the KPI'
                when 'context_outlier' then 'the variable'
                when 'media_outlier' then 'spend'
                when 'media_price_jump' then 'the price of 1,000 impressions'
                else 'clicks per impression'
            end,
            ': ', found.words,
            case
                when found.n_found > 3 then concat('; and ', found.n_found - 3, ' more')
                else ''
            end
        ) as problem,
        case
            when checked.check_name = 'outcome_level_shift'
                then 'ask what changed in the count; bring one definition for all weeks'
            when checked.check_name = 'media_click_rate_shift'
                then 'ask whether clicks or impressions are counted differently since then'
            when checked.check_name = 'media_price_jump'
                then 'check units of spend and impressions (thousands, micros, currency)'
            else 'check the figure with its source; correct it, or add an event if it is real'
        end as remedy
    from checked
    left join found
        on
            checked.check_name = found.check_name
            and checked.series = found.series
    left join suspect_rows
        on
            checked.check_name = suspect_rows.check_name
            and checked.series = suspect_rows.series
)

select * from level_checks
