with source_rows as (
    {{ mixloop.read_input('plan_context') }}
),

typed as (
    select
        plan_id,
        try_cast(week as date) as week,
        coalesce(geo, 'national') as geo,
        variable,
        try_cast(value as decimal(28, 10)) as value,
        try_cast(loaded_at as timestamp) as loaded_at,
        source_file,
        source_row,
        {{ mixloop.input_errors('plan_context') }} as input_errors
    from source_rows
)

select * from typed
