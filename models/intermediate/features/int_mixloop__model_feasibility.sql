-- one row per model x node: the verdict, the client's answer to it, and the pool that follows
with feasibility as (
    select * from {{ ref('int_mixloop__feasibility') }}
),

answers as (
    select * from {{ ref('stg_mixloop__feasibility_answers') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

-- an answer for this model before an answer for all models
ranked_answers as (
    select
        feasibility.model_id,
        feasibility.node_id,
        answers.answer,
        answers.answered_by,
        answers.answered_on,
        answers.reason as answer_reason,
        row_number() over (
            partition by feasibility.model_id, feasibility.node_id
            order by answers.model_id nulls last, answers.source_row
        ) as precedence
    from feasibility
    inner join answers
        on
            feasibility.node_id = answers.channel_id
            and coalesce(answers.model_id, feasibility.model_id) = feasibility.model_id
),

answered as (
    select
        feasibility.model_id,
        feasibility.node_id,
        tree.parent_id,
        feasibility.nearest_sibling_id,
        feasibility.node_role = 'modelled' and feasibility.active_weeks > 0 as is_fitted,
        feasibility.verdict,
        ranked_answers.answer,
        ranked_answers.answered_by,
        ranked_answers.answered_on,
        ranked_answers.answer_reason,
        coalesce(ranked_answers.answer != feasibility.verdict, false) as is_disagreement,
        coalesce(ranked_answers.answer, feasibility.verdict) as effective_verdict
    from feasibility
    inner join tree
        on feasibility.node_id = tree.channel_id
    left join ranked_answers
        on
            feasibility.model_id = ranked_answers.model_id
            and feasibility.node_id = ranked_answers.node_id
            and ranked_answers.precedence = 1
),

wanting as (
    select * from answered
    where is_fitted and effective_verdict in ('pool', 'merge')
),

-- the sibling that a channel moves with joins it, unless the client has answered otherwise
joining as (
    select
        model_id,
        node_id
    from wanting
    union all
    select
        siblings.model_id,
        siblings.node_id
    from wanting
    inner join answered as siblings
        on
            wanting.model_id = siblings.model_id
            and wanting.nearest_sibling_id = siblings.node_id
    where siblings.is_fitted and coalesce(siblings.answer, 'pool') in ('pool', 'merge')
),

members as (
    select
        joining.model_id,
        answered.parent_id,
        joining.node_id
    from joining
    inner join answered
        on
            joining.model_id = answered.model_id
            and joining.node_id = answered.node_id
    where answered.parent_id is not null
    group by joining.model_id, answered.parent_id, joining.node_id
),

pools as (
    select
        *,
        count(*) over (partition by model_id, parent_id) as n_members
    from members
),

model_feasibility as (
    select
        answered.model_id,
        answered.node_id,
        answered.verdict,
        answered.answer,
        answered.answered_by,
        answered.answered_on,
        answered.answer_reason,
        answered.is_disagreement,
        answered.effective_verdict,
        pools.parent_id as pool_id
    from answered
    left join pools
        on
            answered.model_id = pools.model_id
            and answered.node_id = pools.node_id
            and pools.n_members > 1
)

select * from model_feasibility
