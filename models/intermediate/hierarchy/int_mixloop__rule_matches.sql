-- one row per line item x rule that claims it, whatever the dates.
-- Rules are tried on the distinct values of a field, not on line items: platforms are few.
with line_items as (
    select * from {{ ref('int_mixloop__line_items') }}
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
        match_value
    from line_item_fields
    group by match_field, match_value
),

exact_matches as (
    select
        field_values.match_field,
        field_values.match_value,
        rules.rule_rank
    from field_values
    inner join rules
        on
            field_values.match_field = rules.match_field
            and lower(field_values.match_value) = lower(rules.pattern)
    where rules.match_type = 'exact'
),

pattern_matches as (
    select
        field_values.match_field,
        field_values.match_value,
        rules.rule_rank
    from field_values
    inner join rules
        on field_values.match_field = rules.match_field
    where
        case rules.match_type
            when 'prefix' then starts_with(lower(field_values.match_value), lower(rules.pattern))
            when 'like' then lower(field_values.match_value) like lower(rules.pattern)
            when 'regex'
                then
                    not rules.is_pattern_too_long
                    and not rules.is_pattern_invalid
                    and coalesce(
                        try(regexp_matches(field_values.match_value, rules.pattern, 'i')), false
                    )
            else false
        end
),

value_matches as (
    select * from exact_matches
    union all
    select * from pattern_matches
),

matches as (
    select
        line_item_fields.line_item_id,
        rules.rule_rank,
        rules.valid_from,
        rules.valid_to,
        rules.channel_id,
        rules.priority as rule_priority,
        rules.rule_label
    from line_item_fields
    inner join value_matches
        on
            line_item_fields.match_field = value_matches.match_field
            and line_item_fields.match_value = value_matches.match_value
    inner join rules
        on value_matches.rule_rank = rules.rule_rank
)

select * from matches
