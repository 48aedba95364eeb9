with source_rows as (
    {{ mixloop.read_input('context_variables') }}
),

typed as (
    select
        model_id,
        variable,
        case lower(expected_sign)
            when '+' then 1
            when 'positive' then 1
            when '-' then -1
            when 'negative' then -1
        end as expected_sign,
        coalesce(try_cast(is_controllable as boolean), false) as is_controllable,
        notes,
        source_file,
        source_row,
        {{ mixloop.input_errors('context_variables') }} as input_errors
    from source_rows
)

select * from typed
