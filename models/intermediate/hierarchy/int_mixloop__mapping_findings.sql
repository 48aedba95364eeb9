-- one row per mapping rule that cannot work as meant, and for spend that no rule claims
{{ config(materialized='view') }}
with rules as (
    select * from {{ ref('int_mixloop__mapping_rules') }}
),

conditions as (
    select * from {{ ref('int_mixloop__rule_conditions') }}
),

matched_rules as (
    select rule_rank
    from {{ ref('int_mixloop__rule_matches') }}
    group by rule_rank
),

shadowed_rules as (
    select * from {{ ref('int_mixloop__shadowed_rules') }}
),

children as (
    select
        parent_id as channel_id,
        count(*) as n_children
    from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main' and parent_id is not null
    group by parent_id
),

-- patterns, row by row
unusable_patterns as (
    select
        case when is_pattern_too_long then 'pattern_too_long' else 'invalid_pattern' end
            as check_name,
        'blocking' as severity,
        'channel_mapping' as input_name,
        source_file,
        source_row,
        'pattern' as column_name,
        pattern as value,
        case
            when is_pattern_too_long then 'the regular expression has more than 1000 characters'
            else 'this is not a regular expression that RE2 can read'
        end as problem,
        case
            when is_pattern_too_long then 'split it into several rules'
            else 'correct the pattern; RE2 has no look-around and no back-references'
        end as remedy
    from conditions
    where is_pattern_too_long or is_pattern_invalid
),

-- rows of one rule that say different things about it
compared_rows as (
    select
        conditions.*,
        first_rows.source_row as first_row,
        concat_ws(
            ', ',
            case
                when conditions.priority is distinct from first_rows.priority
                    then concat('priority ', conditions.priority)
            end,
            case
                when conditions.channel_id is distinct from first_rows.channel_id
                    then concat('channel_id ', conditions.channel_id)
            end,
            case
                when conditions.valid_from is distinct from first_rows.valid_from
                    then concat('valid_from ', conditions.valid_from)
            end,
            case
                when conditions.valid_to is distinct from first_rows.valid_to
                    then concat('valid_to ', conditions.valid_to)
            end
        ) as difference
    from conditions
    inner join conditions as first_rows
        on conditions.rule_rank = first_rows.rule_rank
    where conditions.condition_number > 1 and first_rows.condition_number = 1
),

disagreeing_rows as (
    select
        'rule_rows_disagree' as check_name,
        'blocking' as severity,
        'channel_mapping' as input_name,
        source_file,
        source_row,
        'rule_id' as column_name,
        rule_id as value,
        concat(
            'rows ', first_row, ' and ', source_row, ' are conditions of one rule, and row ',
            source_row, ' says otherwise: ', difference
        ) as problem,
        'write the same priority, channel_id, valid_from and valid_to in all rows of the rule'
            as remedy
    from compared_rows
    where difference != ''
),

priorities as (
    select
        *,
        min(source_row) over (partition by priority) as first_row
    from rules
),

judged as (
    select
        case
            when rules.is_pattern_too_long or rules.is_pattern_invalid then null
            when lower(rules.rule_id) = 'unmapped' then 'reserved_rule_id'
            when rules.valid_to < rules.valid_from then 'rule_never_valid'
            when children.channel_id is not null then 'rule_maps_to_parent'
            when rules.source_row > rules.first_row then 'repeated_priority'
            when matched_rules.rule_rank is null then 'rule_without_match'
            when shadowed_rules.rule_rank is not null then 'rule_never_wins'
        end as check_name,
        rules.*,
        children.n_children,
        shadowed_rules.n_line_items,
        shadowed_rules.winners
    from priorities as rules
    left join children
        on rules.channel_id = children.channel_id
    left join matched_rules
        on rules.rule_rank = matched_rules.rule_rank
    left join shadowed_rules
        on rules.rule_rank = shadowed_rules.rule_rank
),

rule_findings as (
    select
        check_name,
        case check_name
            when 'repeated_priority' then 'warn'
            when 'rule_without_match' then 'info'
            when 'rule_never_wins' then 'info'
            else 'blocking'
        end as severity,
        'channel_mapping' as input_name,
        source_file,
        source_row,
        case check_name
            when 'reserved_rule_id' then 'rule_id'
            when 'repeated_priority' then 'priority'
            when 'rule_never_valid' then 'valid_to'
            when 'rule_maps_to_parent' then 'channel_id'
            else 'pattern'
        end as column_name,
        case check_name
            when 'reserved_rule_id' then rule_id
            when 'repeated_priority' then cast(priority as varchar)
            when 'rule_never_valid' then cast(valid_to as varchar)
            when 'rule_maps_to_parent' then channel_id
            else rule_label
        end as value,
        case check_name
            when 'reserved_rule_id' then 'this name stands for media that no rule claims'
            when 'rule_never_valid' then concat('valid_to is before valid_from (', valid_from, ')')
            when 'rule_maps_to_parent'
                then concat('media belong to leaves, and it has ', n_children, ' children')
            when 'repeated_priority'
                then concat('row ', first_row, ' has the same priority; the earlier row goes first')
            when 'rule_never_wins'
                then concat(
                    'the rule claims ', n_line_items, ' line item(s), but other rules always go ',
                    'first: ', winners
                )
            when 'rule_without_match'
                then case
                    when n_conditions = 1 then 'the rule claims no line item'
                    else concat('no line item meets all ', n_conditions, ' conditions of the rule')
                end
        end as problem,
        case check_name
            when 'reserved_rule_id' then 'give the rule another name'
            when 'rule_never_valid' then 'swap or correct the two dates'
            when 'rule_maps_to_parent' then 'map to one of its leaves, or add a leaf under it'
            when 'repeated_priority' then 'give every rule its own priority'
            when 'rule_never_wins'
                then 'delete the rule, or give it a lower priority number than theirs'
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
    select * from unusable_patterns
    union all
    select * from disagreeing_rows
    union all
    select * from rule_findings
    union all
    select * from unmapped_spend
)

select * from findings
