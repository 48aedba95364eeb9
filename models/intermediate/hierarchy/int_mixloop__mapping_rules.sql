-- one row per mapping rule, in the order in which rules are tried. Not behind the gate.
with mapping as (
    select * from {{ ref('stg_mixloop__channel_mapping') }}
),

rules as (
    select
        row_number() over (order by priority nulls last, source_row, source_file) as rule_rank,
        priority,
        match_field,
        match_type,
        pattern,
        channel_id,
        coalesce(valid_from, date '0001-01-01') as valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
        concat(priority, ': ', match_field, ' ', match_type, ' "', pattern, '"') as rule_label,
        -- RE2 matches in linear time; its compile time is bounded by the pattern's length
        match_type = 'regex' and length(pattern) > 1000 as is_pattern_too_long,
        match_type = 'regex'
        and length(pattern) <= 1000
        and try(regexp_matches('', pattern, 'i')) is null as is_pattern_invalid,
        source_file,
        source_row
    from mapping
)

select * from rules
