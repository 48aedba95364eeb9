with source_rows as (
    {{ mixloop.read_input('overrides') }}
),

typed as (
    select
        check_name,
        series,
        accepted_by,
        try_cast(accepted_on as date) as accepted_on,
        reason,
        source_file,
        source_row,
        {{ mixloop.input_errors('overrides') }} as input_errors
    from source_rows
)

select * from typed
