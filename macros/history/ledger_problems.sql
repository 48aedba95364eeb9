{#- The entries of a ledger that are not as they were written, and what is wrong with them. -#}
{% macro ledger_problems(ledger) -%}
    with ledger as (
        select
            *,
            row_number() over (order by position, entry_id) as position_due,
            row_number() over (
                partition by record_kind, record_id
                order by position, entry_id
            ) as revision_due,
            coalesce(
                lag(entry_hash) over (order by position, entry_id), {{ mixloop.ledger_genesis() }}
            ) as previous_hash_due
        from {{ ledger }}
    ),

    judged as (
        select
            position,
            record_kind,
            record_id,
            revision,
            concat_ws(
                '; ',
                case
                    when position is distinct from position_due
                        then 'an entry before it is missing or was put in'
                end,
                case
                    when revision is distinct from revision_due
                        then 'a revision before it is missing or was put in'
                end,
                case
                    when previous_hash is distinct from previous_hash_due
                        then 'it does not hold the hash of the entry before it'
                end,
                case
                    when content_hash is distinct from sha256(content)
                        then 'its content was changed'
                end,
                case
                    when
                        entry_hash
                        is distinct from {{ mixloop.ledger_entry_hash('ledger.previous_hash', 'ledger') }}
                        then 'it was changed'
                end
            ) as problem
        from ledger
    )

    select * from judged
    where problem != ''
{%- endmacro %}
