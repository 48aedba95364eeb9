-- one row per mapping rule that cannot work as meant, and for spend that no rule claims
{{ config(materialized='view') }}
with rules as (
    select * from {{ ref('int_mixloop__mapping_rules') }}
),

matched_rules as (
    select rule_rank
    from {{ ref('int_mixloop__rule_matches') }}
    group by rule_rank
),

children as (
    select
        parent_id as channel_id,
        count(*) as n_children
    from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main' and parent_id is not null
    group by parent_id
),

priorities as (
    select
        *,
        count(*) over (partition by priority) as n_rules,
        min(source_row) over (partition by priority) as first_row
    from rules
),

judged as (
    select
        case
            when rules.is_pattern_too_long then 'pattern_too_long'
            when rules.is_pattern_invalid then 'invalid_pattern'
            when rules.valid_to < rules.valid_from then 'rule_never_valid'
            when children.channel_id is not null then 'rule_maps_to_parent'
            when rules.source_row > rules.first_row then 'repeated_priority'
            when matched_rules.rule_rank is null then 'rule_without_match'
        end as check_name,
        rules.*,
        children.n_children
    from priorities as rules
    left join children
        on rules.channel_id = children.channel_id
    left join matched_rules
        on rules.rule_rank = matched_rules.rule_rank
),

rule_findings as (
    select
        check_name,
        case check_name
            when 'repeated_priority' then 'warn'
            when 'rule_without_match' then 'info'
            else 'blocking'
        end as severity,
        'channel_mapping' as input_name,
        source_file,
        source_row,
        case check_name
            when 'repeated_priority' then 'priority'
            when 'rule_never_valid' then 'valid_to'
            when 'rule_maps_to_parent' then 'channel_id'
            else 'pattern'
        end as column_name,
        case check_name
            when 'repeated_priority' then cast(priority as varchar)
            when 'rule_never_valid' then cast(valid_to as varchar)
            when 'rule_maps_to_parent' then channel_id
            else pattern
        end as value,
        case check_name
            when 'pattern_too_long' then 'the regular expression has more than 1000 characters'
            when 'invalid_pattern' then 'this is not a regular expression that RE2 can read'
            when 'rule_never_valid' then concat('valid_to is before valid_from (', valid_from, ')')
            when 'rule_maps_to_parent'
                then concat('media belong to leaves, and it has ', n_children, ' children')
            when 'repeated_priority'
                then concat('row ', first_row, ' has the same priority; the earlier row goes first')
            else 'the rule claims no line item'
        end as problem,
        case check_name
            when 'pattern_too_long' then 'split it into several rules'
            when 'invalid_pattern'
                then 'correct the pattern; RE2 has no look-around and no back-references'
            when 'rule_never_valid' then 'swap or correct the two dates'
            when 'rule_maps_to_parent' then 'map to one of its leaves, or add a leaf under it'
            when 'repeated_priority' then 'give every rule its own priority'
            else 'nothing to do if the campaign is yet to come; otherwise check field and pattern'
        end as remedy
    from judged
    where check_name is not null
),

spend as (
    select
        coalesce(sum(spend), 0) as total_spend,
        coalesce(sum(spend) filter (where channel_id = 'unmapped'), 0) as unmapped_spend
    from {{ ref('int_mixloop__channel_weeks') }}
),

unmapped_spend as (
    select
        'unmapped_spend' as check_name,
        'warn' as severity,
        'media' as input_name,
        cast(null as varchar) as source_file,
        cast(null as bigint) as source_row,
        'spend' as column_name,
        cast(cast(unmapped_spend as decimal(38, 2)) as varchar) as value,
        concat(
            round(100 * cast(unmapped_spend as double) / cast(total_spend as double), 2),
            '% of all spend is claimed by no rule; it is kept under `unmapped`'
        ) as problem,
        'add rules to channel_mapping; mixloop__unmapped_media lists the line items' as remedy
    from spend
    where unmapped_spend > 0
),

findings as (
    select * from rule_findings
    union all
    select * from unmapped_spend
)

select * from findings
