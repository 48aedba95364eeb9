-- one row per model x geo x training week x driver (context variable or event)
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

grid as (
    select * from {{ ref('int_mixloop__model_outcomes') }}
),

context as (
    select * from {{ ref('int_mixloop__model_context') }}
),

events as (
    select * from {{ ref('int_mixloop__model_events') }}
),

declared as (
    select * from {{ ref('int_mixloop__model_context_variables') }}
),

training_context as (
    select context.*
    from context
    inner join models
        on context.model_id = models.model_id
    where context.week between models.first_training_week and models.last_training_week
),

variables as (
    select
        model_id,
        variable
    from training_context
    group by model_id, variable
),

context_grid as (
    select
        grid.model_id,
        grid.geo,
        grid.week,
        variables.variable,
        training_context.value as known_value
    from grid
    inner join variables
        on grid.model_id = variables.model_id
    left join training_context
        on
            grid.model_id = training_context.model_id
            and grid.geo = training_context.geo
            and grid.week = training_context.week
            and variables.variable = training_context.variable
),

-- a gap takes the last value before it, or the first after it; a geo without any value takes zero
context_drivers as (
    select
        model_id,
        geo,
        week,
        'context:' || variable as driver_id,
        'context' as driver_type,
        coalesce(
            known_value,
            last_value(known_value ignore nulls) over (
                partition by model_id, geo, variable order by week
                rows between unbounded preceding and current row
            ),
            first_value(known_value ignore nulls) over (
                partition by model_id, geo, variable order by week
                rows between current row and unbounded following
            ),
            0
        ) as value,
        known_value is null as is_filled
    from context_grid
),

declared_drivers as (
    select
        context_drivers.*,
        declared.expected_sign,
        coalesce(declared.is_controllable, false) as is_controllable
    from context_drivers
    left join declared
        on
            context_drivers.model_id = declared.model_id
            and context_drivers.driver_id = 'context:' || declared.variable
),

trained_events as (
    select
        events.model_id,
        events.event_id
    from events
    inner join models
        on events.model_id = models.model_id
    where events.week between models.first_training_week and models.last_training_week
    group by events.model_id, events.event_id
),

event_drivers as (
    select
        grid.model_id,
        grid.geo,
        grid.week,
        'event:' || trained_events.event_id as driver_id,
        'event' as driver_type,
        coalesce(events.value, 0) as value,
        false as is_filled,
        cast(null as integer) as expected_sign,
        false as is_controllable
    from grid
    inner join trained_events
        on grid.model_id = trained_events.model_id
    left join events
        on
            grid.model_id = events.model_id
            and grid.geo = events.geo
            and grid.week = events.week
            and trained_events.event_id = events.event_id
),

drivers as (
    select * from declared_drivers
    union all
    select * from event_drivers
)

select * from drivers
