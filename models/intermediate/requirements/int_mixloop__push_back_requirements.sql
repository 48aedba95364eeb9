-- one row per model x what its verdicts and the client's answers come to
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

feasibility as (
    select * from {{ ref('int_mixloop__feasibility') }}
),

answers as (
    select * from {{ ref('int_mixloop__model_feasibility') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

channels as (
    select
        feasibility.model_id,
        feasibility.node_role,
        left(tree.label, 60) as label,
        answers.verdict,
        answers.answer,
        answers.is_disagreement,
        answers.pool_id,
        feasibility.node_role = 'modelled' and answers.verdict != 'model' and answers.answer is null
            as is_open
    from feasibility
    inner join answers
        on
            feasibility.model_id = answers.model_id
            and feasibility.node_id = answers.node_id
    inner join tree
        on feasibility.node_id = tree.channel_id
),

counted as (
    select
        models.model_id,
        count(*) filter (where channels.node_role = 'modelled') as n_modelled,
        count(*) filter (where channels.node_role = 'modelled' and channels.verdict = 'model')
            as n_alone,
        count(*) filter (where channels.is_open) as n_unanswered,
        count(channels.pool_id) as n_pooled,
        count(channels.answer) as n_answers,
        count(*) filter (where channels.is_disagreement) as n_disagreements,
        count(channels.answer) filter (where channels.node_role != 'modelled') as n_not_modelled,
        array_to_string(
            list_sort(
                list(channels.label) filter (
                    where channels.node_role = 'modelled' and channels.verdict != 'model'
                )
            )[:5],
            ', '
        ) as not_alone,
        array_to_string(
            list_sort(list(channels.label) filter (where channels.is_disagreement))[:5], ', '
        ) as disagreed
    from models
    left join channels
        on models.model_id = channels.model_id
    group by models.model_id
),

requirements as (
    select
        model_id,
        'told_apart' as requirement,
        310 as position,
        'Channels that the data can tell apart: enough weeks, enough ups and downs of their own'
            as needs,
        concat(
            n_alone, ' of ', n_modelled, ' measured channels can be told apart',
            case when n_alone < n_modelled then concat('. Not so: ', not_alone) else '' end,
            case
                when n_pooled > 0
                    then concat('. ', n_pooled, ' are drawn together with siblings')
                else ''
            end
        ) as got,
        case
            when n_unanswered > 0 then 'warn'
            when n_alone < n_modelled then 'info'
            else 'ok'
        end as status,
        'answer each verdict in feasibility_answers: agree, or say what to do instead' as next_step
    from counted
    union all
    select
        model_id,
        'answers' as requirement,
        320 as position,
        'Your answer where a verdict is not to model, and agreement on it' as needs,
        concat(
            case
                when n_answers = 0 then 'No answer'
                else concat(n_answers, case when n_answers = 1 then ' answer' else ' answers' end)
            end,
            case
                when n_disagreements > 0
                    then concat(', ', n_disagreements, ' against the verdict: ', disagreed)
                when n_answers > 0 then ', all in agreement'
                else ''
            end,
            case
                when n_not_modelled > 0
                    then concat(
                        '. ', n_not_modelled, ' for channels that the model does not measure'
                    ) || ' on their own: noted, without effect on the fit'
                else ''
            end
        ) as got,
        case
            when n_disagreements > 0 then 'warn'
            when n_not_modelled > 0 then 'info'
            else 'ok'
        end as status,
        'talk about the disagreements: your answer counts, and it stays on record' as next_step
    from counted
)

select * from requirements
