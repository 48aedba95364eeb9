-- one row per check x series whose findings the client has accepted: by whom and why.
-- An override of one series goes before an override of the whole check
with findings as (
    select
        check_name,
        series
    from {{ ref('int_mixloop__all_findings') }}
    where is_overridable
    group by check_name, series
),

overrides as (
    select * from {{ ref('stg_mixloop__overrides') }}
    where check_name is not null and accepted_by is not null and reason is not null
),

matches as (
    select
        findings.check_name,
        findings.series,
        overrides.accepted_by,
        overrides.accepted_on,
        overrides.reason,
        overrides.source_row as override_row,
        row_number() over (
            partition by findings.check_name, findings.series
            order by overrides.series is null, overrides.source_row
        ) as preference
    from findings
    inner join overrides
        on
            findings.check_name = lower(overrides.check_name)
            and (overrides.series is null or lower(findings.series) = lower(overrides.series))
),

accepted as (
    select * exclude (preference)
    from matches
    where preference = 1
)

select * from accepted
