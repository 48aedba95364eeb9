-- one row per check x series of the checks whether what was loaded before is still told the same
{%- set tolerance = var('mixloop__restatement_tolerance') %}
{%- set blocking = var('mixloop__restatement_blocking') %}
with restated as (
    select
        *,
        restated_as_of = as_of_week as is_new,
        cast(value_sum - previous_value as double) as change,
        cast(coalesce(impressions_sum, 0) - coalesce(previous_impressions, 0) as double)
            as impressions_change
    from {{ ref('int_mixloop__restated_weeks') }}
),

content as (
    select * from {{ ref('int_mixloop__input_content') }}
),

series as (
    select
        input_name,
        series,
        min(source_file) as source_file
    from content
    group by input_name, series
    union all
    -- a series that is gone altogether
    select
        restated.input_name,
        restated.series,
        min(restated.previous_file) as source_file
    from restated
    left join content
        on
            restated.input_name = content.input_name
            and restated.series = content.series
    where content.series is null
    group by restated.input_name, restated.series
),

-- what is new since the last data counts; where nothing is, what is known already is told
told as (
    select *
    from restated
    qualify is_new = bool_or(is_new) over (partition by input_name, series)
),

sums as (
    select
        input_name,
        series,
        bool_or(is_new) as is_new,
        count(*) as n_found,
        count(*) filter (where n_rows = 0) as n_gone,
        min(week) as first_week,
        max(week) as last_week,
        max(previous_as_of) as previous_as_of,
        max(restated_as_of) as restated_as_of,
        arg_min(previous_file, week) as previous_file,
        sum(cast(previous_value as double) order by week) as previous_value,
        sum(cast(value_sum as double) order by week) as value,
        sum(abs(change) order by week) as change,
        sum(abs(cast(previous_value as double)) order by week) as size,
        sum(abs(impressions_change) order by week) as impressions_change,
        sum(abs(cast(coalesce(previous_impressions, 0) as double)) order by week)
            as impressions_size
    from told
    group by input_name, series
),

-- relative to what was loaded for the same weeks; from nothing to something is everything
sizes as (
    select
        *,
        case when size > 0 then change / size when change > 0 then 1 else 0 end as value_ratio,
        case
            when impressions_size > 0 then impressions_change / impressions_size
            when impressions_change > 0 then 1
            else 0
        end as impressions_ratio,
        size = 0 and change = 0 as has_no_value
    from sums
),

judged as (
    select
        *,
        greatest(value_ratio, impressions_ratio) as measured,
        case
            when not is_new then 'info'
            when
                input_name != 'context'
                and (
                    value_ratio > {{ blocking }}
                    or (has_no_value and impressions_ratio > {{ blocking }})
                )
                then 'blocking'
            when greatest(value_ratio, impressions_ratio) > {{ tolerance }} then 'warn'
            else 'info'
        end as severity
    from sizes
),

restated_checks as (
    select
        concat(series.input_name, '_restated') as check_name,
        series.series,
        series.input_name,
        coalesce(judged.severity, 'pass') as severity,
        judged.measured,
        {{ tolerance }} as threshold,
        coalesce(judged.n_found, 0) as n_found,
        judged.first_week,
        judged.last_week,
        series.source_file,
        cast(null as varchar) as source_rows,
        concat(
            judged.n_found, ' week(s) are told otherwise than they were loaded (',
            judged.previous_file, ', data up to the week of ', judged.previous_as_of, '): ',
            case series.input_name when 'media' then 'spend ' else '' end,
            printf('%.2f', judged.previous_value), ' became ', printf('%.2f', judged.value),
            case
                when judged.size > 0
                    then printf(
                        ' (%+.1f%%)', 100 * (judged.value - judged.previous_value) / judged.size
                    )
                else ''
            end,
            case
                when judged.impressions_change > 0
                    then printf(', impressions changed by %.1f%%', 100 * judged.impressions_ratio)
                else ''
            end,
            case
                when judged.n_gone > 0 then concat('; ', judged.n_gone, ' of them have no rows now')
                else ''
            end,
            case
                when not judged.is_new
                    then concat('; known since the data up to the week of ', judged.restated_as_of)
                else ''
            end
        ) as problem,
        case
            when not judged.is_new then 'nothing to do'
            else 'ask the source why it changed; earlier results were made from the older numbers'
        end as remedy
    from series
    left join judged
        on
            series.input_name = judged.input_name
            and series.series = judged.series
),

-- weeks that were loaded before and lie outside the weeks that the input has now
snapshot_weeks as (
    {{ mixloop.input_snapshots() | indent(4) }}
),

loaded as (
    select
        input_name,
        week,
        min(source_file) as source_file
    from snapshot_weeks
    where n_rows > 0
    group by input_name, week
),

spans as (
    select
        input_name,
        min(week) as first_week,
        max(week) as last_week
    from {{ ref('int_mixloop__input_weeks') }}
    group by input_name
),

inputs as (
    select
        input_name,
        min(source_file) as source_file
    from series
    group by input_name
    union all
    -- an input that is gone altogether
    select
        loaded.input_name,
        min(loaded.source_file) as source_file
    from loaded
    anti join series
        on loaded.input_name = series.input_name
    group by loaded.input_name
),

cut_weeks as (
    select
        loaded.input_name,
        count(*) filter (where loaded.week < spans.first_week) as n_early,
        count(*) filter (where loaded.week > spans.last_week or spans.input_name is null) as n_late,
        min(loaded.week) as first_week,
        max(loaded.week) as last_week
    from loaded
    left join spans
        on loaded.input_name = spans.input_name
    where
        spans.input_name is null
        or loaded.week not between spans.first_week and spans.last_week
    group by loaded.input_name
),

cut_checks as (
    select
        'history_cut' as check_name,
        inputs.input_name as series,
        inputs.input_name,
        case
            when cut_weeks.n_late > 0 then 'warn'
            when cut_weeks.n_early > 0 then 'info'
            else 'pass'
        end as severity,
        cast(coalesce(cut_weeks.n_early + cut_weeks.n_late, 0) as double) as measured,
        0.0 as threshold,
        coalesce(cut_weeks.n_early + cut_weeks.n_late, 0) as n_found,
        cut_weeks.first_week,
        cut_weeks.last_week,
        inputs.source_file,
        cast(null as varchar) as source_rows,
        concat(
            cut_weeks.n_early, ' week(s) at the beginning and ', cut_weeks.n_late,
            ' at the end were loaded before and are not in the input now'
        ) as problem,
        case
            when cut_weeks.n_late > 0 then 'check whether an older export was brought'
            else 'nothing to do if history was cut on purpose'
        end as remedy
    from inputs
    left join cut_weeks
        on inputs.input_name = cut_weeks.input_name
),

checks as (
    select * from restated_checks
    union all
    select * from cut_checks
)

select * from checks
