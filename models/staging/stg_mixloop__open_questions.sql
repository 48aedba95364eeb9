with source_rows as (
    {{ mixloop.read_input('open_questions') }}
),

typed as (
    select
        question_id,
        channel_id,
        line_item_id,
        try_cast(week as date) as week,
        question,
        asked_by,
        try_cast(asked_on as date) as asked_on,
        coalesce(try_cast(is_blocking as boolean), false) as is_blocking,
        lower(status) as status,
        answer,
        answered_by,
        source_file,
        source_row,
        {{ mixloop.input_errors('open_questions') }} as input_errors
    from source_rows
)

select * from typed
