-- one row per check x series of everything that asks whether the data can be trusted: the series
-- checks, and those findings about rows that answer the same question
{%- set about_media = [
    'repeated_media_row', 'media_geo_without_model', 'media_after_outcomes', 'unmapped_spend',
] %}
{%- set about_series = {
    'outcomes': ['outcomes_weeks_missing', 'outcomes_days_missing'],
    'context': ['context_weeks_missing'],
} %}
with findings as (
    select * from {{ ref('int_mixloop__all_findings') }}
),

input_series as (
    select
        input_name,
        series,
        min(source_file) as source_file
    from {{ ref('int_mixloop__input_weeks') }}
    group by input_name, series
),

kpis as (
    select
        item as kpi,
        min(source_file) as source_file
    from {{ ref('int_mixloop__input_weeks') }}
    where input_name = 'outcomes'
    group by item
),

-- which series each of those checks has looked at
known_checks as (
    {%- for check_name in about_media %}
    select
        '{{ check_name }}' as check_name,
        'media' as input_name,
        'all media' as series,
        min(source_file) as source_file
    from input_series
    where input_name = 'media'
    having count(*) > 0
    union all
    {%- endfor %}
    {%- for input_name, check_names in about_series.items() %}
    {%- for check_name in check_names %}
    select
        '{{ check_name }}' as check_name,
        input_name,
        series,
        source_file
    from input_series
    where input_name = '{{ input_name }}'
    union all
    {%- endfor %}
    {%- endfor %}
    select
        'short_history' as check_name,
        'outcomes' as input_name,
        kpi as series,
        source_file
    from kpis
),

known_findings as (
    select
        known_checks.check_name,
        known_checks.series,
        findings.severity,
        findings.source_row,
        findings.problem,
        findings.remedy,
        count(*) over same as n_found,
        row_number() over (
            partition by known_checks.check_name, known_checks.series
            order by findings.source_row nulls last, findings.value, findings.problem
        ) as position
    from known_checks
    inner join findings
        on
            known_checks.check_name = findings.check_name
            and (known_checks.series = 'all media' or known_checks.series = findings.series)
    window same as (partition by known_checks.check_name, known_checks.series)
),

known_sums as (
    select
        check_name,
        series,
        any_value(severity) as severity,
        max(n_found) as n_found,
        array_to_string(list(source_row order by position) filter (where position <= 5), ', ')
            as source_rows,
        arg_min(problem, position) as problem,
        arg_min(remedy, position) as remedy
    from known_findings
    group by check_name, series
),

checks as (
    select
        *,
        true as is_overridable
    from {{ ref('int_mixloop__series_checks') }}
    union all
    select
        known_checks.check_name,
        known_checks.series,
        known_checks.input_name,
        coalesce(known_sums.severity, 'pass') as severity,
        cast(null as double) as measured,
        cast(null as double) as threshold,
        coalesce(known_sums.n_found, 0) as n_found,
        cast(null as date) as first_week,
        cast(null as date) as last_week,
        known_checks.source_file,
        known_sums.source_rows,
        known_sums.problem,
        known_sums.remedy,
        false as is_overridable
    from known_checks
    left join known_sums
        on
            known_checks.check_name = known_sums.check_name
            and known_checks.series = known_sums.series
),

accepted as (
    select * from {{ ref('int_mixloop__accepted_findings') }}
),

integrity_checks as (
    select
        checks.*,
        checks.is_overridable and accepted.check_name is not null as is_overridden,
        case when checks.is_overridable then accepted.accepted_by end as overridden_by,
        case when checks.is_overridable then accepted.reason end as override_reason
    from checks
    left join accepted
        on
            checks.check_name = accepted.check_name
            and checks.series = accepted.series
)

select * from integrity_checks
