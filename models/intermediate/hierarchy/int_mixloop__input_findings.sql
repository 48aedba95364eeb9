-- one row per finding: every problem of the inputs, in words. Of one kind of finding the first 20
-- rows are listed, those that stop the build before all others; the text says how many there are
with findings as (
    select * from {{ ref('int_mixloop__all_findings') }}
    union all by name
    select
        *,
        false as is_overridable
    from {{ ref('int_mixloop__override_findings') }}
),

accepted as (
    select * from {{ ref('int_mixloop__accepted_findings') }}
),

judged as (
    select
        findings.*,
        findings.is_overridable and accepted.check_name is not null as is_overridden,
        case when findings.is_overridable then accepted.accepted_by end as overridden_by,
        case when findings.is_overridable then accepted.reason end as override_reason
    from findings
    left join accepted
        on
            findings.check_name = accepted.check_name
            and findings.series is not distinct from accepted.series
),

numbered as (
    select
        *,
        row_number() over (
            partition by check_name, input_name, column_name
            order by
                severity != 'blocking' or is_overridden,
                source_row nulls last, series, value, problem
        ) as position,
        count(*) over (partition by check_name, input_name, column_name) as n_alike
    from judged
),

listed as (
    select
        md5(to_json([
            check_name, input_name, source_file, cast(source_row as varchar), column_name, value,
            problem, cast(position as varchar)
        ])) as finding_id,
        check_name,
        severity,
        input_name,
        series,
        source_file,
        source_row,
        column_name,
        value,
        problem || case
            when n_alike > 20 then concat(' (', n_alike, ' such findings; the first 20 are listed)')
            else ''
        end as problem,
        remedy,
        is_overridable,
        is_overridden,
        overridden_by,
        override_reason
    from numbered
    where position <= 20
)

select * from listed
