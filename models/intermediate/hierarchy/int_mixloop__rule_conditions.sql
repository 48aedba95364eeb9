-- one row per row of channel_mapping: a condition, and the rule it belongs to. Rows that share a
-- rule_id are conditions of one rule; a row without one is a rule of its own. Not behind the gate
with mapping as (
    select * from {{ ref('stg_mixloop__channel_mapping') }}
),

client_rules as (
    select rule_id
    from mapping
    where rule_id is not null
    group by rule_id
),

counted as (
    select
        *,
        concat('p', priority) as short_name,
        count(*) filter (where rule_id is null) over (partition by priority) as n_unnamed
    from mapping
),

named as (
    select
        -- a row without rule_id never joins another one, whatever the client calls his rules
        coalesce(counted.rule_id, concat('row ', counted.source_row)) as rule_key,
        counted.rule_id is null as is_unnamed,
        case
            when counted.rule_id is not null then counted.rule_id
            when counted.n_unnamed = 1 and client_rules.rule_id is null then counted.short_name
            else concat(counted.short_name, '_row', counted.source_row)
        end as rule_id,
        counted.priority,
        counted.match_field,
        counted.match_type,
        counted.pattern,
        counted.channel_id,
        counted.valid_from,
        counted.valid_to,
        counted.notes,
        counted.owner,
        counted.source_file,
        counted.source_row
    from counted
    left join client_rules
        on counted.short_name = client_rules.rule_id
),

placed as (
    select
        *,
        first_value(priority) over (partition by is_unnamed, rule_key order by source_row)
            as rule_priority,
        min(source_row) over (partition by is_unnamed, rule_key) as first_row
    from named
),

conditions as (
    select
        dense_rank() over (order by rule_priority nulls last, first_row) as rule_rank,
        rule_id,
        row_number() over (partition by is_unnamed, rule_key order by source_row)
            as condition_number,
        priority,
        match_field,
        match_type,
        pattern,
        channel_id,
        coalesce(valid_from, date '0001-01-01') as valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to,
        notes,
        owner,
        -- RE2 matches in linear time; its compile time is bounded by the pattern's length
        match_type = 'regex' and length(pattern) > 1000 as is_pattern_too_long,
        match_type = 'regex'
        and length(pattern) <= 1000
        and try(regexp_matches('', pattern, 'i')) is null as is_pattern_invalid,
        source_file,
        source_row
    from placed
)

select * from conditions
