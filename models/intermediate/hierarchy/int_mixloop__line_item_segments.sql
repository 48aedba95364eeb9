-- one row per line item x valid_from: which rule holds when. Not behind the gate.
-- Dates where a rule begins or ends cut a line item's time into intervals; the first rule by
-- priority (ties: by its row) wins each; neighbours with the same rule are joined again.
with line_items as (
    select line_item_id from {{ ref('int_mixloop__line_items') }}
),

matches as (
    select * from {{ ref('int_mixloop__rule_matches') }}
    where valid_from <= valid_to
),

cuts as (
    select
        line_item_id,
        date '0001-01-01' as valid_from
    from line_items
    union all
    select
        line_item_id,
        valid_from
    from matches
    union all
    select
        line_item_id,
        valid_to + 1 as valid_from
    from matches
    where valid_to < date '9999-12-31'
),

starts as (
    select
        line_item_id,
        valid_from
    from cuts
    group by line_item_id, valid_from
),

intervals as (
    select
        line_item_id,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by line_item_id order by valid_from) - 1,
            date '9999-12-31'
        ) as valid_to
    from starts
),

winners as (
    select
        intervals.line_item_id,
        intervals.valid_from,
        intervals.valid_to,
        coalesce(min(matches.rule_rank), 0) as rule_rank
    from intervals
    left join matches
        on
            intervals.line_item_id = matches.line_item_id
            and intervals.valid_from >= matches.valid_from
            and intervals.valid_to <= matches.valid_to
    group by intervals.line_item_id, intervals.valid_from, intervals.valid_to
),

neighbours as (
    select
        line_item_id,
        valid_from,
        valid_to,
        rule_rank,
        lag(rule_rank) over (partition by line_item_id order by valid_from) as previous_rank
    from winners
),

islands as (
    select
        line_item_id,
        valid_from,
        valid_to,
        rule_rank,
        sum(case when rule_rank = previous_rank then 0 else 1 end) over (
            partition by line_item_id order by valid_from
        ) as island
    from neighbours
),

segments as (
    select
        line_item_id,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to,
        min(rule_rank) as rule_rank
    from islands
    group by line_item_id, island
),

labelled as (
    select
        segments.line_item_id,
        segments.valid_from,
        segments.valid_to,
        coalesce(matches.channel_id, 'unmapped') as channel_id,
        coalesce(matches.rule_id, 'unmapped') as rule_id,
        matches.rule_priority,
        matches.rule_label
    from segments
    left join matches
        on
            segments.line_item_id = matches.line_item_id
            and segments.rule_rank = matches.rule_rank
)

select * from labelled
