-- one row per approved decision: as the client writes it today, or, where it is gone from the
-- client's table, as the ledger has it
{{ config(materialized='view') }}
with written as (
    select * from {{ ref('stg_mixloop__decisions') }}
    where decision_id is not null
),

on_record as (
    {{ mixloop.decisions_on_record() }}
),

approved as (
    select
        decision_id,
        approved_on,
        approved_by,
        channel_id,
        cast(spend_from as double) as spend_from,
        cast(spend_to as double) as spend_to,
        geos,
        start_week,
        end_week,
        run_id,
        is_test,
        false as is_withdrawn
    from written
),

withdrawn as (
    select
        on_record.decision_id,
        cast(on_record.content ->> '$.approved_on' as date) as approved_on,
        on_record.content ->> '$.approved_by' as approved_by,
        on_record.content ->> '$.channel_id' as channel_id,
        cast(on_record.content ->> '$.spend_from' as double) as spend_from,
        cast(on_record.content ->> '$.spend_to' as double) as spend_to,
        on_record.content ->> '$.geos' as geos,
        cast(on_record.content ->> '$.start_week' as date) as start_week,
        cast(on_record.content ->> '$.end_week' as date) as end_week,
        on_record.content ->> '$.run_id' as run_id,
        coalesce(cast(on_record.content ->> '$.is_test' as boolean), false) as is_test,
        true as is_withdrawn
    from on_record
    left join written
        on on_record.decision_id = written.decision_id
    where written.decision_id is null
),

final as (
    select * from approved
    union all
    select * from withdrawn
)

select * from final
where channel_id is not null and approved_on is not null
