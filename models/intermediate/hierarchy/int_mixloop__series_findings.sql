-- one row per outcome or context series with gaps, short history or partial weeks
{{ config(materialized='view') }}
with outcome_weeks as (
    select
        kpi,
        geo,
        {{ mixloop.week_start('outcome_date') }} as week,
        count(distinct outcome_date) as n_days,
        min(outcome_date) as first_date,
        max(outcome_date) as last_date,
        min(source_file) as source_file
    from {{ ref('stg_mixloop__outcomes') }}
    where year(outcome_date) between 1970 and 2100
    group by all
),

context_weeks as (
    select
        variable,
        geo,
        {{ mixloop.week_start('context_date') }} as week,
        min(source_file) as source_file
    from {{ ref('stg_mixloop__context') }}
    where year(context_date) between 1970 and 2100
    group by all
),

series_weeks as (
    select
        'outcomes' as input_name,
        concat(kpi, ' in ', geo) as series,
        *
    from outcome_weeks
    union all by name
    select
        'context' as input_name,
        concat(variable, ' in ', geo) as series,
        *
    from context_weeks
),

neighbours as (
    select
        *,
        lag(week) over (partition by input_name, series order by week) as previous_week,
        max(n_days) over (partition by input_name, series) > 1 as is_daily,
        min(first_date) over (partition by input_name, series) as series_first_date,
        max(last_date) over (partition by input_name, series) as series_last_date
    from series_weeks
),

gaps as (
    select
        input_name || '_weeks_missing' as check_name,
        'warn' as severity,
        input_name,
        min(source_file) as source_file,
        cast(null as bigint) as source_row,
        'date' as column_name,
        series as value,
        concat(
            sum((week - previous_week) // 7 - 1),
            ' week(s) between the first and the last have no row; the gaps begin after: ',
            array_to_string(list_sort(list(cast(previous_week as varchar)))[:5], ', ')
        ) as problem,
        case input_name
            when 'outcomes' then 'bring the missing weeks; until then they are unknown, not zero'
            else 'bring the missing weeks; until then the last value before a gap stands for it'
        end as remedy
    from neighbours
    where week - previous_week > 7
    group by input_name, series
),

partial_weeks as (
    select
        case
            when week >= series_first_date and week + 6 <= series_last_date
                then 'outcomes_days_missing'
            else 'partial_weeks_left_out'
        end as check_name,
        input_name,
        series,
        source_file,
        week
    from neighbours
    where input_name = 'outcomes' and is_daily and n_days < 7
),

day_gaps as (
    select
        check_name,
        case check_name when 'outcomes_days_missing' then 'warn' else 'info' end as severity,
        input_name,
        min(source_file) as source_file,
        cast(null as bigint) as source_row,
        'date' as column_name,
        series as value,
        concat(
            count(*),
            case check_name
                when 'outcomes_days_missing'
                    then ' weeks have fewer than seven days; a missing day counts as zero: '
                else ' weeks at the ends of the series are not whole and are left out: '
            end,
            array_to_string(list_sort(list(cast(week as varchar)))[:5], ', ')
        ) as problem,
        case check_name
            when 'outcomes_days_missing' then 'bring the missing days, if there were sales'
            else 'nothing to do'
        end as remedy
    from partial_weeks
    group by check_name, input_name, series
),

short_histories as (
    select
        'short_history' as check_name,
        'warn' as severity,
        'outcomes' as input_name,
        min(source_file) as source_file,
        cast(null as bigint) as source_row,
        'kpi' as column_name,
        kpi as value,
        concat(
            (max(week) - min(week)) // 7 + 1,
            ' weeks of history; yearly seasons need {{ var('mixloop__min_history_weeks') }}'
        ) as problem,
        'bring older outcomes and media if they exist; ranges will be wide until then' as remedy
    from outcome_weeks
    group by kpi
    having (max(week) - min(week)) // 7 + 1 < {{ var('mixloop__min_history_weeks') }}
),

unknown_variables as (
    select
        'unknown_plan_variable' as check_name,
        'warn' as severity,
        'plan_context' as input_name,
        min(plan_context.source_file) as source_file,
        min(plan_context.source_row) as source_row,
        'variable' as column_name,
        plan_context.variable as value,
        'context has no history of this variable, so no model uses it' as problem,
        'correct the name, or bring its history in context' as remedy
    from {{ ref('stg_mixloop__plan_context') }} as plan_context
    left join context_weeks
        on plan_context.variable = context_weeks.variable
    where context_weeks.variable is null and plan_context.variable is not null
    group by plan_context.variable
),

findings as (
    select * from gaps
    union all
    select * from day_gaps
    union all
    select * from short_histories
    union all
    select * from unknown_variables
)

select * from findings
