with feasibility as (
    select * from {{ ref('int_mixloop__feasibility') }}
),

answers as (
    select * from {{ ref('int_mixloop__model_feasibility') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

final as (
    select
        {{ mixloop.surrogate_key(['feasibility.model_id', 'feasibility.node_id']) }}
            as model_feasibility_id,
        feasibility.model_id,
        feasibility.node_id,
        tree.parent_id,
        tree.label,
        tree.owner,
        tree.path,
        feasibility.node_role,
        feasibility.media_unit,
        feasibility.verdict,
        feasibility.reason,
        answers.answer,
        answers.answered_by,
        answers.answered_on,
        answers.answer_reason,
        answers.is_disagreement,
        answers.effective_verdict,
        answers.pool_id,
        feasibility.active_weeks,
        feasibility.share_of_active_weeks,
        feasibility.history_weeks,
        feasibility.spend,
        feasibility.share_of_spend,
        feasibility.variation,
        feasibility.vif,
        feasibility.moves_with,
        feasibility.correlation,
        feasibility.is_sibling,
        feasibility.nearest_sibling_id,
        feasibility.effective_observations,
        feasibility.training_rows,
        feasibility.model_columns,
        feasibility.rows_per_column
    from feasibility
    inner join answers
        on
            feasibility.model_id = answers.model_id
            and feasibility.node_id = answers.node_id
    inner join tree
        on feasibility.node_id = tree.channel_id
)

select * from final
