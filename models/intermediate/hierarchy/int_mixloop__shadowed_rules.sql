-- one row per rule that claims line items and never wins one: other rules always go first
with matches as (
    select * from {{ ref('int_mixloop__rule_matches') }}
    where valid_from <= valid_to
),

segments as (
    select * from {{ ref('int_mixloop__line_item_segments') }}
),

winning_rules as (
    select rule_id
    from segments
    group by rule_id
),

losing_matches as (
    select matches.*
    from matches
    left join winning_rules
        on matches.rule_id = winning_rules.rule_id
    where winning_rules.rule_id is null
),

winners as (
    select
        losing_matches.rule_rank,
        segments.rule_id,
        min(segments.rule_priority) as rule_priority
    from losing_matches
    inner join segments
        on
            losing_matches.line_item_id = segments.line_item_id
            and losing_matches.valid_from <= segments.valid_to
            and losing_matches.valid_to >= segments.valid_from
    group by losing_matches.rule_rank, segments.rule_id
),

named_winners as (
    select
        rule_rank,
        array_to_string(list(rule_id order by rule_priority, rule_id)[:5], ', ')
        || case when count(*) > 5 then concat(' and ', count(*) - 5, ' more') else '' end
            as winners
    from winners
    group by rule_rank
),

shadowed as (
    select
        losing_matches.rule_rank,
        min(losing_matches.rule_id) as rule_id,
        count(*) as n_line_items,
        min(named_winners.winners) as winners
    from losing_matches
    inner join named_winners
        on losing_matches.rule_rank = named_winners.rule_rank
    group by losing_matches.rule_rank
)

select * from shadowed
