-- one row per model x holiday: which column of the model it is part of, and why
with holiday_weeks as (
    select * from {{ ref('int_mixloop__holiday_weeks') }}
),

models as (
    select * from {{ ref('int_mixloop__models') }}
),

events as (
    select * from {{ ref('stg_mixloop__events') }}
    where event_id is not null
),

-- by their ids and by their names
client_names as (
    select
        {{ mixloop.slug('event_id') }} as name,
        event_id
    from events
    union all
    select
        {{ mixloop.slug('label') }} as name,
        event_id
    from events
),

client_events as (
    select
        name,
        min(event_id) as client_event_id
    from client_names
    group by name
),

placed as (
    select
        holiday_weeks.*,
        holiday_weeks.week
        between models.first_training_week and models.last_training_week as is_training
    from holiday_weeks
    inner join models
        on holiday_weeks.model_id = models.model_id
),

seen as (
    select
        model_id,
        event_id,
        min(label) as label,
        min(first_date) as first_date,
        max(last_date) as last_date,
        count(*) filter (where is_training) as n_training_weeks,
        count(distinct year(first_date)) filter (where is_training) as n_training_years,
        string_agg(concat(week, ' ', value), ', ' order by week) filter (where is_training)
            as training_values,
        min(month(first_date) * 100 + day(first_date)) as day_of_year
    from placed
    group by model_id, event_id
),

sorted as (
    select
        seen.*,
        client_events.client_event_id,
        case
            when client_events.client_event_id is not null then 'client_event'
            when seen.n_training_years < 2 then 'rare'
            else 'usual'
        end as kind
    from seen
    left join client_events
        on seen.event_id = client_events.name
),

-- holidays with the very same training weeks cannot be told apart: the first of the year stands
-- for them all
grouped as (
    select
        *,
        first_value(event_id) over alike as leader_id,
        count(*) over (partition by model_id, kind, training_values) as n_alike,
        sum(n_training_weeks) over (partition by model_id, kind) as n_kind_weeks
    from sorted
    window alike as (
        partition by model_id, kind, training_values order by day_of_year, event_id
    )
),

model_holidays as (
    select
        model_id,
        event_id,
        label,
        first_date,
        last_date,
        n_training_years,
        n_training_weeks,
        case
            when kind = 'client_event' then 'client_event'
            when kind = 'rare' and n_kind_weeks = 0 then 'left_out'
            when kind = 'rare' or n_alike > 1 then 'grouped'
            else 'own_column'
        end as treatment,
        case
            when kind = 'client_event' then client_event_id
            when kind = 'rare' and n_kind_weeks = 0 then null
            when kind = 'rare' then 'other_holidays'
            else leader_id
        end as column_event_id,
        case
            when kind = 'client_event'
                then concat('events has `', client_event_id, '`: the client’s dates count')
            when kind = 'rare' and n_kind_weeks = 0
                then 'no holiday of its kind falls into the training weeks: nothing to learn from'
            when kind = 'rare'
                then 'seen in fewer than two training years: one column for all such holidays'
            when n_alike > 1
                then 'falls into the same training weeks as others: one column for them all'
            else 'seen in two training years or more'
        end as reason
    from grouped
)

select * from model_holidays
