-- one row per row of the mapping and of the hierarchies, as far as it decides where money belongs;
-- names, owners and notes do not
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with mapping as (
    select * from {{ ref('stg_mixloop__channel_mapping') }}
),

hierarchy as (
    select * from {{ ref('stg_mixloop__channel_hierarchy') }}
),

-- rows of one priority are tried in their order
ordered as (
    select
        *,
        row_number() over (partition by priority order by source_row, source_file) as turn
    from mapping
),

contents as (
    select
        'rule' as row_kind,
        to_json({
            'priority': priority,
            'turn': turn,
            'rule_id': rule_id,
            'match_field': match_field,
            'match_type': match_type,
            'pattern': pattern,
            'channel_id': channel_id,
            'valid_from': valid_from,
            'valid_to': valid_to
        }) as content
    from ordered
    union all
    select
        'node' as row_kind,
        to_json({
            'hierarchy_id': hierarchy_id,
            'channel_id': channel_id,
            'parent_id': parent_id,
            'is_modelled': is_modelled
        }) as content
    from hierarchy
),

hashed as (
    select
        row_kind,
        cast(content as varchar) as content,
        md5(string_agg(row_kind || content, chr(10) order by row_kind, content) over ())
            as mapping_hash
    from contents
)

select * from hashed
