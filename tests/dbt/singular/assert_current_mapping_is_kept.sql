-- Exactly one version is current, and the ledger holds today's mapping row by row under it.
with versions as (
    select mapping_version
    from {{ ref('mixloop__mapping_versions') }}
    where is_current
),

kept as (
    select
        ledger.row_kind,
        ledger.content
    from {{ ref('int_mixloop__mapping_ledger') }} as ledger
    inner join versions
        on ledger.mapping_version = versions.mapping_version
),

today as (
    select
        row_kind,
        content
    from {{ ref('int_mixloop__mapping_content') }}
),

differences as (
    select
        coalesce(kept.row_kind, today.row_kind) as row_kind,
        coalesce(kept.content, today.content) as content
    from kept
    full outer join today
        on
            kept.row_kind = today.row_kind
            and kept.content = today.content
    where kept.content is null or today.content is null
),

counted as (
    select
        'current versions' as row_kind,
        cast(count(*) as varchar) as content
    from versions
    having count(*) != 1
)

select * from differences
union all
select * from counted
