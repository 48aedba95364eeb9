-- one row per kpi x geo x week that has an outcome
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with outcomes as (
    select * from {{ ref('stg_mixloop__outcomes') }}
),

-- a date that was loaded again later is a restatement: the newest load counts
ranked as (
    select
        kpi,
        geo,
        outcome_date,
        {{ mixloop.week_start('outcome_date') }} as week,
        outcome,
        row_number() over (
            partition by kpi, geo, outcome_date
            order by loaded_at desc nulls last, source_row desc
        ) as recency
    from outcomes
),

weekly as (
    select
        kpi,
        geo,
        week,
        sum(outcome) as outcome,
        count(*) as n_days,
        min(outcome_date) as first_date,
        max(outcome_date) as last_date
    from ranked
    where recency = 1
    group by kpi, geo, week
),

-- a series is daily when any of its weeks has more than one date
series as (
    select
        kpi,
        geo,
        max(n_days) > 1 as is_daily,
        min(first_date) as first_date,
        max(last_date) as last_date
    from weekly
    group by kpi, geo
),

completed as (
    select
        weekly.kpi,
        weekly.geo,
        weekly.week,
        weekly.outcome,
        weekly.n_days,
        not series.is_daily
        or (weekly.week >= series.first_date and weekly.week + 6 <= series.last_date)
            as is_complete_week
    from weekly
    inner join series
        on
            weekly.kpi = series.kpi
            and weekly.geo = series.geo
)

select * from completed
