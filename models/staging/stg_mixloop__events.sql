with source_rows as (
    {{ mixloop.read_input('events') }}
),

typed as (
    select
        event_id,
        coalesce(label, event_id) as label,
        try_cast(date as date) as event_date,
        coalesce(lower(recurs), 'none') as recurs,
        coalesce(try_cast(days_before as bigint), 0) as days_before,
        coalesce(try_cast(days_after as bigint), 0) as days_after,
        coalesce(geo, 'national') as geo,
        source_file,
        source_row,
        {{ mixloop.input_errors('events') }} as input_errors
    from source_rows
)

select * from typed
