-- one row per model x geo x week x variable that has a value: the geo's own series, or the
-- `national` one where the geo has none of that variable
with model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

context as (
    select * from {{ ref('int_mixloop__context_weekly') }}
),

series as (
    select
        variable,
        geo
    from context
    group by variable, geo
),

-- the geo of the context input that stands for a geo of the model
stand_ins as (
    select
        model_geos.model_id,
        model_geos.geo,
        series.variable,
        case when bool_or(series.geo = model_geos.geo) then model_geos.geo else 'national' end
            as context_geo
    from model_geos
    inner join series
        on series.geo in (model_geos.geo, 'national')
    group by model_geos.model_id, model_geos.geo, series.variable
),

model_context as (
    select
        stand_ins.model_id,
        stand_ins.geo,
        context.week,
        stand_ins.variable,
        context.value
    from stand_ins
    inner join context
        on
            stand_ins.variable = context.variable
            and stand_ins.context_geo = context.geo
)

select * from model_context
