-- one row, when the inputs may be used. Blocking findings that nobody has accepted stop the build
-- here, in plain words, and nothing after this model is rebuilt: the last good tables stay.
{%- do mixloop.check_vars() %}
{%- if execute and flags.WHICH in ('run', 'build', 'retry') %}
    {%- do mixloop.raise_blocking_findings(ref('int_mixloop__input_findings')) %}
{%- endif %}
with findings as (
    select * from {{ ref('int_mixloop__input_findings') }}
),

counted as (
    select
        count(*) as n_findings,
        count(*) filter (where severity = 'warn') as n_warnings
    from findings
)

select * from counted
