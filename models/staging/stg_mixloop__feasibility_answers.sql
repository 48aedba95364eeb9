with source_rows as (
    {{ mixloop.read_input('feasibility_answers') }}
),

typed as (
    select
        model_id,
        channel_id,
        lower(answer) as answer,
        answered_by,
        try_cast(answered_on as date) as answered_on,
        reason,
        source_file,
        source_row,
        {{ mixloop.input_errors('feasibility_answers') }} as input_errors
    from source_rows
)

select * from typed
