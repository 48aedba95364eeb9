-- one row: what the client has accepted although it would have stopped this build
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with stopping as (
    select
        check_name,
        series
    from {{ ref('int_mixloop__all_findings') }}
    where severity = 'blocking' and is_overridable
    group by check_name, series
),

accepted as (
    select
        stopping.check_name,
        stopping.series,
        accepted.accepted_by,
        accepted.reason
    from stopping
    inner join {{ ref('int_mixloop__accepted_findings') }} as accepted
        on
            stopping.check_name = accepted.check_name
            and stopping.series = accepted.series
),

publication as (
    select
        count(*) as n_overrides,
        string_agg(
            concat(
                check_name, ' of ', series, ' accepted by ', accepted_by, ': ', reason
            ),
            '; '
            order by check_name, series
        ) as overrides
    from accepted
)

select * from publication
