with source_rows as (
    {{ mixloop.read_input('plan') }}
),

typed as (
    select
        plan_id,
        try_cast(week as date) as week,
        channel_id,
        coalesce(geo, 'national') as geo,
        try_cast(planned_spend as decimal(18, 6)) as planned_spend,
        try_cast(low as decimal(18, 6)) as low,
        try_cast(high as decimal(18, 6)) as high,
        try_cast(reach as decimal(28, 10)) as reach,
        try_cast(frequency as decimal(28, 10)) as frequency,
        try_cast(loaded_at as timestamp) as loaded_at,
        source_file,
        source_row,
        {{ mixloop.input_errors('plan') }} as input_errors
    from source_rows
)

select * from typed
