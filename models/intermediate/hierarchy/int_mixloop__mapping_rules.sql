-- one row per mapping rule, in the order in which rules are tried. Where the rows of a rule
-- disagree its first row counts, and the disagreement is a blocking finding. Not behind the gate
with conditions as (
    select * from {{ ref('int_mixloop__rule_conditions') }}
),

rules as (
    select
        rule_rank,
        min(rule_id) as rule_id,
        arg_min(priority, condition_number) as priority,
        concat(
            arg_min(priority, condition_number), ': ',
            string_agg(
                concat(match_field, ' ', match_type, ' "', pattern, '"'), ' and '
                order by condition_number
            )
        ) as rule_label,
        arg_min(channel_id, condition_number) as channel_id,
        arg_min(valid_from, condition_number) as valid_from,
        arg_min(valid_to, condition_number) as valid_to,
        string_agg(notes, '; ' order by condition_number) as notes,
        arg_min(owner, condition_number) as owner,
        count(*) as n_conditions,
        bool_or(is_pattern_too_long) as is_pattern_too_long,
        bool_or(is_pattern_invalid) as is_pattern_invalid,
        min(source_file) as source_file,
        min(source_row) as source_row
    from conditions
    group by rule_rank
)

select * from rules
