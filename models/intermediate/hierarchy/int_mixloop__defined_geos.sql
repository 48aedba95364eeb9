-- one row per model x geo that model_definitions asks for: the listed geos, or every geo that has
-- outcomes of the model's KPI. Not behind the gate: unknown geos are a finding
with definitions as (
    select
        model_id,
        kpi,
        geos,
        source_file,
        source_row
    from {{ ref('stg_mixloop__model_definitions') }}
    where model_id is not null
),

outcomes as (
    select
        kpi,
        geo
    from {{ ref('stg_mixloop__outcomes') }}
    group by kpi, geo
),

listed as (
    select
        model_id,
        kpi,
        {{ mixloop.trimmed("unnest(string_split(geos, ';'))") }} as geo,
        source_file,
        source_row
    from definitions
    where geos is not null
),

asked as (
    select * from listed
    where geo != ''
    union all
    select
        definitions.model_id,
        definitions.kpi,
        outcomes.geo,
        definitions.source_file,
        definitions.source_row
    from definitions
    inner join outcomes
        on definitions.kpi = outcomes.kpi
    where definitions.geos is null
),

defined_geos as (
    select
        asked.model_id,
        asked.kpi,
        asked.geo,
        bool_or(outcomes.geo is not null) as has_outcomes,
        min(asked.source_file) as source_file,
        min(asked.source_row) as source_row
    from asked
    left join outcomes
        on
            asked.kpi = outcomes.kpi
            and asked.geo = outcomes.geo
    group by asked.model_id, asked.kpi, asked.geo
)

select * from defined_geos
