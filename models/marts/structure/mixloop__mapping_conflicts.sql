with segments as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

matches as (
    select * from {{ ref('int_mixloop__rule_matches') }}
),

rules as (
    select * from {{ ref('int_mixloop__mapping_rules') }}
),

shadowed_rules as (
    select * from {{ ref('int_mixloop__shadowed_rules') }}
),

line_items as (
    select * from {{ ref('int_mixloop__line_items') }}
),

week_spend as (
    select
        series.line_item_id,
        weeks.part_start,
        coalesce(sum(weeks.spend), 0) as spend
    from {{ ref('int_mixloop__media_series') }} as series
    inner join {{ ref('int_mixloop__series_weeks') }} as weeks
        on series.series_number = weeks.series_number
    where weeks.week is not null
    group by series.line_item_id, weeks.part_start
),

-- Another rule claims the line item for another channel while the winner holds it.
rivals as (
    select
        segments.line_item_id,
        segments.rule_id,
        segments.channel_id,
        matches.rule_id as other_rule_id,
        matches.rule_priority as other_priority,
        matches.channel_id as other_channel_id,
        greatest(segments.valid_from, matches.valid_from) as first_day,
        least(segments.valid_to, matches.valid_to) as last_day
    from segments
    inner join matches
        on
            segments.line_item_id = matches.line_item_id
            and segments.valid_from <= matches.valid_to
            and segments.valid_to >= matches.valid_from
    where
        segments.rule_id != 'unmapped'
        and segments.rule_id != matches.rule_id
        and segments.channel_id != matches.channel_id
        and matches.valid_from <= matches.valid_to
),

-- Only while the line item ran: a part of a week belongs to one rule, so its first day decides.
active_rivals as (
    select
        rivals.*,
        week_spend.part_start,
        week_spend.spend
    from rivals
    inner join week_spend
        on
            rivals.line_item_id = week_spend.line_item_id
            and week_spend.part_start between rivals.first_day and rivals.last_day
),

disputed_weeks as (
    select
        line_item_id,
        rule_id,
        part_start,
        min(spend) as spend
    from active_rivals
    group by line_item_id, rule_id, part_start
),

disputed_spend as (
    select
        line_item_id,
        rule_id,
        sum(spend) as spend
    from disputed_weeks
    group by line_item_id, rule_id
),

other_rules as (
    select
        line_item_id,
        rule_id,
        other_rule_id,
        min(channel_id) as channel_id,
        min(other_priority) as other_priority,
        min(other_channel_id) as other_channel_id
    from active_rivals
    group by line_item_id, rule_id, other_rule_id
),

named_others as (
    select
        line_item_id,
        rule_id,
        min(channel_id) as channel_id,
        string_agg(other_rule_id, ', ' order by other_priority, other_rule_id) as other_rules,
        string_agg(
            concat(other_rule_id, ' (priority ', other_priority, ') to ', other_channel_id), ', '
            order by other_priority, other_rule_id
        ) as others_in_words
    from other_rules
    group by line_item_id, rule_id
),

overlap_conflicts as (
    select
        'overlap' as kind,
        named_others.rule_id,
        named_others.line_item_id,
        named_others.channel_id,
        named_others.other_rules,
        1 as n_line_items,
        disputed_spend.spend,
        concat(
            named_others.rule_id, ' (priority ', rules.priority, ') maps it to ',
            named_others.channel_id, ' and wins, as the lowest priority number goes first, then ',
            'the earlier row. Also claimed by ', named_others.others_in_words
        ) as reason
    from named_others
    inner join disputed_spend
        on
            named_others.line_item_id = disputed_spend.line_item_id
            and named_others.rule_id = disputed_spend.rule_id
    inner join rules
        on named_others.rule_id = rules.rule_id
),

matched_rules as (
    select rule_rank
    from matches
    group by rule_rank
),

dead_conflicts as (
    select
        'dead_rule' as kind,
        rules.rule_id,
        cast(null as varchar) as line_item_id,
        rules.channel_id,
        cast(null as varchar) as other_rules,
        0 as n_line_items,
        0 as spend,
        case
            when rules.n_conditions = 1 then 'No line item meets the rule.'
            else concat('No line item meets all ', rules.n_conditions, ' conditions of the rule.')
        end as reason
    from rules
    left join matched_rules
        on rules.rule_rank = matched_rules.rule_rank
    where matched_rules.rule_rank is null
),

shadowed_spend as (
    select
        matches.rule_rank,
        sum(week_spend.spend) as spend
    from matches
    inner join shadowed_rules
        on matches.rule_rank = shadowed_rules.rule_rank
    inner join week_spend
        on
            matches.line_item_id = week_spend.line_item_id
            and week_spend.part_start between matches.valid_from and matches.valid_to
    group by matches.rule_rank
),

shadowed_conflicts as (
    select
        'shadowed_rule' as kind,
        rules.rule_id,
        cast(null as varchar) as line_item_id,
        rules.channel_id,
        shadowed_rules.winners as other_rules,
        shadowed_rules.n_line_items,
        coalesce(shadowed_spend.spend, 0) as spend,
        concat(
            'The rule claims ', shadowed_rules.n_line_items, ' line item(s) and wins none, as ',
            'rules with a lower priority number, or in an earlier row, always go first: ',
            shadowed_rules.winners, '.'
        ) as reason
    from shadowed_rules
    inner join rules
        on shadowed_rules.rule_rank = rules.rule_rank
    left join shadowed_spend
        on shadowed_rules.rule_rank = shadowed_spend.rule_rank
),

conflicts as (
    select * from overlap_conflicts
    union all
    select * from dead_conflicts
    union all
    select * from shadowed_conflicts
),

final as (
    select
        {{ mixloop.surrogate_key(['kind', 'conflicts.rule_id', 'conflicts.line_item_id']) }}
            as conflict_id,
        conflicts.kind,
        conflicts.rule_id,
        rules.rule_label,
        rules.owner as rule_owner,
        conflicts.channel_id,
        conflicts.line_item_id,
        line_items.platform,
        line_items.account,
        line_items.campaign,
        line_items.ad_group,
        line_items.line_item,
        conflicts.other_rules,
        cast(conflicts.n_line_items as bigint) as n_line_items,
        cast(conflicts.spend as decimal(18, 6)) as spend,
        conflicts.reason
    from conflicts
    inner join rules
        on conflicts.rule_id = rules.rule_id
    left join line_items
        on conflicts.line_item_id = line_items.line_item_id
)

select * from final
