-- one row per model x geo: the listed geos, or every geo that has the model's KPI
with definitions as (
    select * from {{ ref('stg_mixloop__model_definitions') }}
),

outcomes as (
    select
        kpi,
        geo
    from {{ ref('int_mixloop__outcomes_weekly') }}
    group by kpi, geo
),

listed as (
    select
        model_id,
        {{ mixloop.trimmed("unnest(string_split(geos, ';'))") }} as geo
    from definitions
    where geos is not null
),

model_geos as (
    select
        model_id,
        geo
    from listed
    where geo != ''
    group by model_id, geo
    union all
    select
        definitions.model_id,
        outcomes.geo
    from definitions
    inner join outcomes
        on definitions.kpi = outcomes.kpi
    where definitions.geos is null
)

select * from model_geos
