-- one row per override that cannot be followed, or that meets no finding
{{ config(materialized='view') }}
with overrides as (
    select * from {{ ref('stg_mixloop__overrides') }}
    where check_name is not null
),

findings as (
    select
        check_name,
        bool_or(is_overridable) as is_overridable,
        count(*) as n_findings,
        list_sort(list(series) filter (where is_overridable and series is not null)) as all_series,
        list(lower(series)) filter (where is_overridable) as all_names
    from {{ ref('int_mixloop__all_findings') }}
    group by check_name
),

judged as (
    select
        case
            when not findings.is_overridable then 'override_not_possible'
            when
                findings.check_name is null
                or (
                    overrides.series is not null
                    and not list_contains(findings.all_names, lower(overrides.series))
                ) then 'override_unused'
        end as check_name,
        overrides.check_name as overridden_check,
        overrides.series as overridden_series,
        overrides.source_file,
        overrides.source_row,
        findings.n_findings,
        array_to_string(findings.all_series[:5], ', ') as some_series
    from overrides
    left join findings
        on lower(overrides.check_name) = findings.check_name
),

override_findings as (
    select
        check_name,
        case check_name when 'override_not_possible' then 'warn' else 'info' end as severity,
        'overrides' as input_name,
        overridden_series as series,
        source_file,
        source_row,
        'check_name' as column_name,
        left(concat_ws(' of ', overridden_check, overridden_series), 200) as value,
        case
            when check_name = 'override_not_possible'
                then concat(
                    'the inputs have ', n_findings, ' finding(s) of this check, and it is one that'
                ) || ' nobody can accept: the data cannot be used as they are'
            when some_series is not null
                then concat('the check has no finding of this series; it has: ', some_series)
            else 'the inputs have no finding of this check'
        end as problem,
        case check_name
            when 'override_not_possible' then 'correct the input, and delete the override'
            else 'delete the row when it is no longer needed; otherwise check its spelling'
        end as remedy
    from judged
    where check_name is not null
)

select * from override_findings
