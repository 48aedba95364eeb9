with questions as (
    select * from {{ ref('stg_mixloop__open_questions') }}
    where question_id is not null
    qualify row_number() over (partition by question_id order by source_row) = 1
),

nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main'
),

segments as (
    select * from {{ ref('int_mixloop__line_item_segments') }}
),

accepted as (
    select * from {{ ref('int_mixloop__accepted_findings') }}
    where check_name = 'open_blocking_question'
),

-- a question is about one line item, or about every line item at or below a channel
channels_below as (
    select
        ancestor_id,
        channel_id
    from {{ ref('int_mixloop__hierarchy_paths') }}
    where hierarchy_id = 'main' and not is_cycle
    union all
    select
        'unmapped' as ancestor_id,
        'unmapped' as channel_id
),

question_items as (
    select
        questions.question_id,
        questions.week,
        questions.line_item_id,
        date '0001-01-01' as valid_from,
        date '9999-12-31' as valid_to
    from questions
    where questions.line_item_id is not null
    union all
    select
        questions.question_id,
        questions.week,
        segments.line_item_id,
        segments.valid_from,
        segments.valid_to
    from questions
    inner join channels_below
        on questions.channel_id = channels_below.ancestor_id
    inner join segments
        on channels_below.channel_id = segments.channel_id
    where questions.line_item_id is null
),

spend_in_question as (
    select
        question_items.question_id,
        count(distinct series.line_item_id) as n_line_items,
        cast(coalesce(sum(weeks.spend), 0) as decimal(18, 6)) as spend
    from question_items
    inner join {{ ref('int_mixloop__media_series') }} as series
        on question_items.line_item_id = series.line_item_id
    inner join {{ ref('int_mixloop__series_weeks') }} as weeks
        on
            series.series_number = weeks.series_number
            and weeks.part_start between question_items.valid_from and question_items.valid_to
            and (
                question_items.week is null
                or weeks.week = {{ mixloop.week_start('question_items.week') }}
            )
    group by question_items.question_id
),

final as (
    select
        questions.question_id,
        questions.status,
        questions.question,
        questions.asked_by,
        questions.asked_on,
        questions.is_blocking,
        questions.is_blocking and questions.status = 'open' and accepted.series is null
            as is_stopping,
        accepted.accepted_by as overridden_by,
        accepted.reason as override_reason,
        questions.channel_id,
        nodes.label as channel_label,
        nodes.owner,
        questions.line_item_id,
        questions.week,
        coalesce(spend_in_question.n_line_items, 0) as n_line_items,
        coalesce(spend_in_question.spend, 0) as spend,
        questions.answer,
        questions.answered_by
    from questions
    left join nodes
        on questions.channel_id = nodes.channel_id
    left join accepted
        on questions.question_id = accepted.series
    left join spend_in_question
        on questions.question_id = spend_in_question.question_id
)

select * from final
