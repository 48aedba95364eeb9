-- Append-only: one entry per published record and revision, each with the hash of the entry before.
-- A record that is kept as made is entered once; any other whenever its content changed. A build
-- as of an earlier week revises nothing that was entered later.
{{ mixloop.protect_history() }}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=var('mixloop__allow_history_refresh', false),
        database=var('mixloop__history_database'),
    )
}}

with recursive candidates as (
    select * from {{ ref('int_mixloop__ledger_candidates') }}
),

known as (
    {% if is_incremental() %}
    select
        position,
        record_kind,
        record_id,
        revision,
        as_of_week,
        content_hash,
        entry_hash
    from {{ this }}
    {% else %}
    select
        cast(null as bigint) as position,
        cast(null as varchar) as record_kind,
        cast(null as varchar) as record_id,
        cast(null as integer) as revision,
        cast(null as date) as as_of_week,
        cast(null as varchar) as content_hash,
        cast(null as varchar) as entry_hash
    where false
    {% endif %}
),

latest as (
    select
        record_kind,
        record_id,
        max(revision) as revision,
        max_by(as_of_week, revision) as as_of_week,
        max_by(content_hash, revision) as content_hash
    from known
    group by record_kind, record_id
),

head as (
    select
        coalesce(max(position), 0) as position,
        coalesce(max_by(entry_hash, position), {{ mixloop.ledger_genesis() }}) as entry_hash
    from known
),

new_records as (
    select
        candidates.*,
        coalesce(latest.revision, 0) + 1 as revision
    from candidates
    left join latest
        on
            candidates.record_kind = latest.record_kind
            and candidates.record_id = latest.record_id
    where
        latest.record_id is null
        or (
            not candidates.is_kept
            and candidates.content_hash != latest.content_hash
            and coalesce(
                candidates.as_of_week {{ '>' if mixloop.as_of() else '>=' }} latest.as_of_week, true
            )
        )
),

new_entries as (
    select
        head.position + row_number() over (
            order by
                new_records.as_of_week, new_records.turn, new_records.model_id,
                new_records.record_id
        ) as position,
        new_records.record_kind,
        new_records.record_id,
        cast(new_records.revision as integer) as revision,
        new_records.model_id,
        new_records.run_id,
        new_records.as_of_week,
        new_records.content_hash
    from new_records
    cross join head
),

chain as (
    select
        new_entries.position,
        head.entry_hash as previous_hash,
        {{ mixloop.ledger_entry_hash('head.entry_hash', 'new_entries') }} as entry_hash
    from new_entries
    inner join head
        on new_entries.position = head.position + 1
    union all
    select
        new_entries.position,
        chain.entry_hash as previous_hash,
        {{ mixloop.ledger_entry_hash('chain.entry_hash', 'new_entries') }} as entry_hash
    from chain
    inner join new_entries
        on chain.position + 1 = new_entries.position
),

final as (
    select
        {{ mixloop.surrogate_key([
            'new_entries.record_kind', 'new_entries.record_id', 'new_entries.revision',
        ]) }} as entry_id,
        new_entries.position,
        new_entries.record_kind,
        new_entries.record_id,
        new_entries.revision,
        new_entries.model_id,
        new_entries.run_id,
        new_entries.as_of_week,
        candidates.content,
        new_entries.content_hash,
        chain.previous_hash,
        chain.entry_hash
    from new_entries
    inner join chain
        on new_entries.position = chain.position
    inner join candidates
        on
            new_entries.record_kind = candidates.record_kind
            and new_entries.record_id = candidates.record_id
)

select * from final
