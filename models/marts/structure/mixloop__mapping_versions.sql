with ledger as (
    select * from {{ ref('int_mixloop__mapping_ledger') }}
),

current_mapping as (
    select max(mapping_hash) as mapping_hash
    from {{ ref('int_mixloop__mapping_content') }}
),

versions as (
    select
        mapping_version,
        mapping_hash,
        min(as_of_week) as as_of_week,
        count(*) filter (where row_kind = 'rule') as n_rule_rows,
        count(*) filter (where row_kind = 'node') as n_nodes
    from ledger
    group by mapping_version, mapping_hash
),

added as (
    select
        ledger.mapping_version,
        count(*) as n_rows,
        list(ledger.content order by ledger.row_kind, ledger.content) as contents
    from ledger
    left join ledger as before
        on
            ledger.mapping_version = before.mapping_version + 1
            and ledger.row_kind = before.row_kind
            and ledger.content = before.content
    where ledger.mapping_version > 1 and before.mapping_version is null
    group by ledger.mapping_version
),

removed as (
    select
        ledger.mapping_version + 1 as mapping_version,
        count(*) as n_rows,
        list(ledger.content order by ledger.row_kind, ledger.content) as contents
    from ledger
    left join ledger as later
        on
            ledger.mapping_version = later.mapping_version - 1
            and ledger.row_kind = later.row_kind
            and ledger.content = later.content
    where later.mapping_version is null
    group by ledger.mapping_version
),

final as (
    select
        versions.mapping_version,
        versions.mapping_hash,
        coalesce(versions.mapping_hash = current_mapping.mapping_hash, false) as is_current,
        versions.as_of_week,
        versions.n_rule_rows,
        versions.n_nodes,
        coalesce(added.n_rows, 0) as n_rows_added,
        coalesce(removed.n_rows, 0) as n_rows_removed,
        array_to_string(list_slice(added.contents, 1, 5), chr(10)) as rows_added,
        array_to_string(list_slice(removed.contents, 1, 5), chr(10)) as rows_removed
    from versions
    cross join current_mapping
    left join added
        on versions.mapping_version = added.mapping_version
    left join removed
        on versions.mapping_version = removed.mapping_version
)

select * from final
