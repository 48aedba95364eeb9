with source_rows as (
    {{ mixloop.read_input('channel_mapping') }}
),

typed as (
    select
        rule_id,
        try_cast(priority as bigint) as priority,
        lower(match_field) as match_field,
        lower(match_type) as match_type,
        pattern,
        channel_id,
        try_cast(valid_from as date) as valid_from,
        try_cast(valid_to as date) as valid_to,
        notes,
        owner,
        source_file,
        source_row,
        {{ mixloop.input_errors('channel_mapping') }} as input_errors
    from source_rows
)

select * from typed
