with source_rows as (
    {{ mixloop.read_input('channel_hierarchy') }}
),

typed as (
    select
        channel_id,
        parent_id,
        label,
        owner,
        objective,
        try_cast(is_modelled as boolean) as is_modelled,
        coalesce(hierarchy_id, 'main') as hierarchy_id,
        source_file,
        source_row,
        {{ mixloop.input_errors('channel_hierarchy') }} as input_errors
    from source_rows
)

select * from typed
