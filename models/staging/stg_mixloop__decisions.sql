with source_rows as (
    {{ mixloop.read_input('decisions') }}
),

typed as (
    select
        decision_id,
        try_cast(approved_on as date) as approved_on,
        approved_by,
        channel_id,
        try_cast(spend_from as decimal(18, 6)) as spend_from,
        try_cast(spend_to as decimal(18, 6)) as spend_to,
        try_cast(start_week as date) as start_week,
        try_cast(end_week as date) as end_week,
        run_id,
        coalesce(try_cast(is_test as boolean), false) as is_test,
        geos,
        source_file,
        source_row,
        {{ mixloop.input_errors('decisions') }} as input_errors
    from source_rows
)

select * from typed
