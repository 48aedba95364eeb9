-- one row per model x thing that the model needs beside the data: plan, goal, evidence, checks
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

plans as (
    select
        models.model_id,
        count(*) filter (where plans.plan_source = 'client') as n_client_rows,
        count(distinct plans.week) filter (where plans.plan_source = 'client') as n_planned_weeks
    from models
    left join {{ ref('int_mixloop__plan_weeks') }} as plans
        on
            models.model_id = plans.model_id
            and models.last_training_week = plans.as_of_week
    group by models.model_id
),

goals as (
    select
        models.model_id,
        count(goals.goal_id) as n_goals
    from models
    left join {{ ref('stg_mixloop__goals') }} as goals
        on coalesce(goals.model_id, models.model_id) = models.model_id
    group by models.model_id
),

tests as (
    select
        models.model_id,
        count(*) filter (where evidence.is_used) as n_tests,
        count(distinct evidence.channel_id) filter (where evidence.is_used) as n_channels,
        count(*) filter (where not evidence.is_used and evidence.status != 'other_kpi')
            as n_unused
    from models
    left join {{ ref('int_mixloop__model_evidence') }} as evidence
        on models.model_id = evidence.model_id
    group by models.model_id
),

finance as (
    select count(*) as n_rows
    from {{ ref('stg_mixloop__finance') }}
),

checks as (
    select
        count(*) filter (where severity = 'warn') as n_warnings,
        count(*) filter (where severity = 'blocking' and is_overridden) as n_accepted
    from {{ ref('int_mixloop__input_findings') }}
),

facts as (
    select
        models.model_id,
        models.forecast_horizon_weeks,
        models.hurdle_roi,
        plans.n_planned_weeks,
        goals.n_goals,
        tests.n_tests,
        tests.n_channels,
        tests.n_unused,
        finance.n_rows as n_finance_rows,
        checks.n_warnings,
        checks.n_accepted
    from models
    inner join plans
        on models.model_id = plans.model_id
    inner join goals
        on models.model_id = goals.model_id
    inner join tests
        on models.model_id = tests.model_id
    cross join finance
    cross join checks
),

requirements as (
    select
        model_id,
        'plan' as requirement,
        210 as position,
        concat(
            'A media plan for the ', forecast_horizon_weeks, ' weeks after the training data'
        ) as needs,
        case
            when n_planned_weeks = 0 then 'No plan for these weeks: last year is taken instead'
            else concat(n_planned_weeks, ' of ', forecast_horizon_weeks, ' weeks are planned')
        end as got,
        case when n_planned_weeks < forecast_horizon_weeks then 'info' else 'ok' end as status,
        'add the missing weeks to plan' as next_step
    from facts
    union all
    select
        model_id,
        'goals' as requirement,
        220 as position,
        'A goal, or at least the return that spend must beat' as needs,
        concat(
            case
                when n_goals = 0 then 'No goal'
                else concat(n_goals, case when n_goals = 1 then ' goal' else ' goals' end)
            end,
            '; spend must return ', format('{:g}', hurdle_roi), ' per unit of money'
        ) as got,
        case when n_goals = 0 then 'info' else 'ok' end as status,
        'add a row to goals with hurdle_roi' as next_step
    from facts
    union all
    select
        model_id,
        'evidence' as requirement,
        230 as position,
        'Tests in which spend was moved on purpose: the only proof where channels move together'
            as needs,
        concat(
            case
                when n_tests = 0 then 'No test of a measured channel'
                else concat(
                    n_tests, case when n_tests = 1 then ' test' else ' tests' end,
                    ' of ', n_channels,
                    case when n_channels = 1 then ' channel' else ' channels' end
                )
            end,
            case
                when n_unused > 0
                    then concat('; ', n_unused, ' cannot be used')
                else ''
            end
        ) as got,
        case when n_tests = 0 then 'info' else 'ok' end as status,
        case
            when n_unused > 0
                then 'mixloop__calibration_evidence says why tests do not count'
            else 'plan one for the channels whose verdict below is to test first'
        end as next_step
    from facts
    union all
    select
        model_id,
        'finance' as requirement,
        240 as position,
        'What finance booked by month and platform, to check the platforms against' as needs,
        case
            when n_finance_rows = 0 then 'Nothing booked was given'
            else concat(format('{:,}', n_finance_rows), ' months x platforms')
        end as got,
        case when n_finance_rows = 0 then 'info' else 'ok' end as status,
        'bring the finance ledger' as next_step
    from facts
    union all
    select
        model_id,
        'checks' as requirement,
        250 as position,
        'Inputs without errors' as needs,
        concat(
            case
                when n_warnings = 0 then 'No warnings'
                else concat(
                    n_warnings, case when n_warnings = 1 then ' warning' else ' warnings' end
                )
            end,
            case
                when n_accepted > 0
                    then concat('; ', n_accepted, ' errors that you accepted by name and reason')
                else ''
            end
        ) as got,
        case when n_warnings + n_accepted > 0 then 'warn' else 'ok' end as status,
        'go through the findings (mixloop__input_findings): each names file, row and remedy'
            as next_step
    from facts
)

select * from requirements
