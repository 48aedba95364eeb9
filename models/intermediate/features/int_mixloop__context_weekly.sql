-- one row per context variable x geo x week that has a value
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with context as (
    select * from {{ ref('stg_mixloop__context') }}
),

-- a date that was loaded again later is a restatement: the newest load counts
ranked as (
    select
        variable,
        geo,
        {{ mixloop.week_start('context_date') }} as week,
        value,
        rank() over (
            partition by variable, geo, context_date order by loaded_at desc nulls last
        ) as recency
    from context
),

context_weekly as (
    select
        variable,
        geo,
        week,
        cast(sum(value) as double) / count(value) as value
    from ranked
    where recency = 1
    group by variable, geo, week
)

select * from context_weekly
