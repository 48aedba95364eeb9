with source_rows as (
    {{ mixloop.read_input('channel_priors') }}
),

typed as (
    select
        model_id,
        channel_id,
        try_cast(share_of_kpi as decimal(28, 10)) as share_of_kpi,
        source_file,
        source_row,
        {{ mixloop.input_errors('channel_priors') }} as input_errors
    from source_rows
)

select * from typed
