-- one row per model x thing that the model needs of history, outcomes and context: what it got
{%- set min_weeks = var('mixloop__min_history_weeks', 104) %}
{%- set many_missing = 0.05 %}
{%- set min_rows = var('mixloop__rows_per_column_warn', 10) %}
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

sizes as (
    select
        model_id,
        max(training_rows) as training_rows,
        max(model_columns) as model_columns,
        max(rows_per_column) as rows_per_column
    from {{ ref('int_mixloop__feasibility') }}
    group by model_id
),

outcomes as (
    select
        model_id,
        count(*) as n_weeks,
        count(*) filter (where outcome is null) as n_missing,
        count(distinct geo) as n_geos,
        array_to_string(list_sort(list(distinct left(geo, 60)))[:8], ', ') as geos
    from {{ ref('int_mixloop__model_outcomes') }}
    group by model_id
),

drivers as (
    select
        model_id,
        count(distinct driver_id) filter (where driver_type = 'context') as n_context,
        count(distinct driver_id) filter (where driver_type = 'event') as n_events,
        count(*) filter (where driver_type = 'context') as n_context_weeks,
        count(*) filter (where is_filled) as n_filled
    from {{ ref('int_mixloop__model_drivers') }}
    group by model_id
),

facts as (
    select
        models.*,
        sizes.training_rows,
        sizes.model_columns,
        sizes.rows_per_column,
        outcomes.n_weeks as n_outcome_weeks,
        outcomes.n_missing,
        outcomes.n_geos,
        outcomes.geos,
        coalesce(drivers.n_context, 0) as n_context,
        coalesce(drivers.n_events, 0) as n_events,
        coalesce(drivers.n_context_weeks, 0) as n_context_weeks,
        coalesce(drivers.n_filled, 0) as n_filled
    from models
    inner join outcomes
        on models.model_id = outcomes.model_id
    left join sizes
        on models.model_id = sizes.model_id
    left join drivers
        on models.model_id = drivers.model_id
),

requirements as (
    select
        model_id,
        'history' as requirement,
        110 as position,
        'Two years of weekly outcomes ({{ min_weeks }} weeks) or more, so that every season is seen'
        || ' twice' as needs,
        concat(
            n_training_weeks, ' weeks, from ', first_training_week, ' to ', last_training_week
        ) as got,
        case when n_training_weeks < {{ min_weeks }} then 'warn' else 'ok' end as status,
        'bring older outcomes and media; until then read seasons and slow channels with care'
            as next_step
    from facts
    union all
    select
        model_id,
        'outcomes' as requirement,
        120 as position,
        'The KPI of every training week and geo' as needs,
        case
            when n_missing = 0
                then concat('All ', n_outcome_weeks, ' weeks x geos of ', left(kpi, 60))
            else concat(
                n_missing, ' of ', n_outcome_weeks, ' weeks x geos of ', left(kpi, 60), ' missing'
            )
        end as got,
        case
            when n_missing > {{ many_missing }} * n_outcome_weeks then 'warn'
            when n_missing > 0 then 'info'
            else 'ok'
        end as status,
        'bring the missing outcomes; the model estimates these weeks until then' as next_step
    from facts
    union all
    select
        model_id,
        'geos' as requirement,
        130 as position,
        'Several geos where there are any: each is one more history in which media moved' as needs,
        concat(
            n_geos, case when n_geos = 1 then ' geo: ' else ' geos: ' end, geos,
            case when n_geos > 8 then ', …' else '' end
        ) as got,
        case when n_geos = 1 then 'info' else 'ok' end as status,
        'bring outcomes and media by region if you buy or can test by region' as next_step
    from facts
    union all
    select
        model_id,
        'granularity' as requirement,
        140 as position,
        '{{ min_rows }} rows of data (weeks x geos) for each number to be learned' as needs,
        concat(
            format('{:,}', training_rows), ' rows for ', model_columns,
            ' numbers (channels, trend, seasons, events and context, each geo its own): ',
            format('{:.1f}', rows_per_column), ' rows each'
        ) as got,
        case when rows_per_column < {{ min_rows }} then 'warn' else 'ok' end as status,
        'measure fewer channels (set is_modelled on a node above them), or bring more history;'
        || ' ranges stay wide until then' as next_step
    from facts
    where rows_per_column is not null
    union all
    select
        model_id,
        'context' as requirement,
        150 as position,
        'What else moved the KPI, week by week: price, promotions, competitors, weather' as needs,
        case
            when n_context = 0 then 'No context variable'
            else concat(
                n_context, case when n_context = 1 then ' variable' else ' variables' end,
                case
                    when n_filled > 0
                        then concat(
                            '; ', n_filled, ' of ', n_context_weeks,
                            ' values were missing and are carried over from other weeks'
                        )
                    else ', known in every week'
                end
            )
        end as got,
        case when n_context = 0 or n_filled > 0 then 'info' else 'ok' end as status,
        case
            when n_context = 0
                then 'bring price and promotions at least: media often moves with them'
            else 'bring the missing values, if they were not the same as in the weeks before'
        end as next_step
    from facts
    union all
    select
        model_id,
        'events' as requirement,
        160 as position,
        'Holidays, sales and other days that stand out, with dates' as needs,
        case
            when n_events = 0 then 'No event'
            else concat(
                n_events, case when n_events = 1 then ' event' else ' events' end,
                ' within the training weeks'
            )
        end as got,
        case when n_events = 0 then 'info' else 'ok' end as status,
        'list them in events; without them their sales are laid to media or to the season'
            as next_step
    from facts
)

select * from requirements
