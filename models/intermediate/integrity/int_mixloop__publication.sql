-- one row: what the client has accepted although it would have stopped this build
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with accepted as (
    select
        check_name,
        series,
        overridden_by,
        override_reason
    from {{ ref('int_mixloop__input_findings') }}
    where severity = 'blocking' and is_overridden
    group by all
),

publication as (
    select
        count(*) as n_overrides,
        string_agg(
            concat(
                check_name, ' of ', series, ' accepted by ', overridden_by, ': ', override_reason
            ),
            '; '
            order by check_name, series
        ) as overrides
    from accepted
)

select * from publication
