-- one row per line item x rule that claims it, whatever the dates: all conditions of the rule hold.
-- Conditions are tried on the distinct values of a field, not on line items: platforms are few.
with line_items as (
    select * from {{ ref('int_mixloop__line_items') }}
),

conditions as (
    select * from {{ ref('int_mixloop__rule_conditions') }}
),

rules as (
    select * from {{ ref('int_mixloop__mapping_rules') }}
),

line_item_fields as (
    {%- for field in mixloop.match_fields() %}
    select
        line_item_id,
        '{{ field }}' as match_field,
        {{ field }} as match_value
    from line_items
    where {{ field }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

field_values as (
    select
        match_field,
        match_value,
        lower(match_value) as lower_value
    from line_item_fields
    group by match_field, match_value
),

-- Rules often share a condition, such as a platform: each pattern is tried once.
patterns as (
    select
        match_field,
        match_type,
        pattern,
        match_type != 'regex' or not (is_pattern_too_long or is_pattern_invalid) as is_usable
    from conditions
    group by all
),

exact_matches as (
    select
        field_values.match_field,
        field_values.match_value,
        patterns.match_type,
        patterns.pattern
    from field_values
    inner join patterns
        on
            field_values.match_field = patterns.match_field
            and field_values.lower_value = lower(patterns.pattern)
    where patterns.match_type = 'exact'
),

pattern_matches as (
    select
        field_values.match_field,
        field_values.match_value,
        patterns.match_type,
        patterns.pattern
    from field_values
    inner join patterns
        on field_values.match_field = patterns.match_field
    where
        patterns.match_type != 'exact'
        and patterns.is_usable
        and case patterns.match_type
            when 'prefix' then starts_with(field_values.lower_value, lower(patterns.pattern))
            when 'like' then field_values.lower_value like lower(patterns.pattern)
            when 'regex'
                then
                    coalesce(
                        try(regexp_matches(field_values.match_value, patterns.pattern, 'i')), false
                    )
            else false
        end
),

value_matches as (
    select * from exact_matches
    union all
    select * from pattern_matches
),

met_conditions as (
    select
        line_item_fields.line_item_id,
        conditions.rule_rank,
        count(*) as n_met
    from line_item_fields
    inner join value_matches
        on
            line_item_fields.match_field = value_matches.match_field
            and line_item_fields.match_value = value_matches.match_value
    inner join conditions
        on
            value_matches.match_field = conditions.match_field
            and value_matches.match_type = conditions.match_type
            and value_matches.pattern = conditions.pattern
    group by line_item_fields.line_item_id, conditions.rule_rank
),

matches as (
    select
        met_conditions.line_item_id,
        rules.rule_rank,
        rules.rule_id,
        rules.valid_from,
        rules.valid_to,
        rules.channel_id,
        rules.priority as rule_priority,
        rules.rule_label
    from met_conditions
    inner join rules
        on
            met_conditions.rule_rank = rules.rule_rank
            and met_conditions.n_met = rules.n_conditions
)

select * from matches
