-- one row per model x channel whose row of channel_priors says what it is to be modelled on. A row
-- for this model counts before a row for all models, as it does for priors. Not behind the gate
{{ config(materialized='view') }}
with definitions as (
    select model_id
    from {{ ref('stg_mixloop__model_definitions') }}
    where model_id is not null
    group by model_id
),

priors as (
    select * from {{ ref('stg_mixloop__channel_priors') }}
),

ranked as (
    select
        definitions.model_id,
        priors.channel_id,
        priors.media_unit,
        priors.source_file,
        priors.source_row,
        row_number() over (
            partition by definitions.model_id, priors.channel_id
            order by priors.model_id nulls last, priors.source_row
        ) as precedence
    from definitions
    inner join priors
        on coalesce(priors.model_id, definitions.model_id) = definitions.model_id
    where priors.channel_id is not null
),

wishes as (
    select * exclude (precedence)
    from ranked
    where precedence = 1 and media_unit is not null
)

select * from wishes
