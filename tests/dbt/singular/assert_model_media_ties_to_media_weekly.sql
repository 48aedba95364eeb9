-- Over a model's weeks and geos, its channels' spend is that of the leaves below them.
with model_spend as (
    select
        model_id,
        channel_id,
        min(week) as first_week,
        max(week) as last_week,
        sum(spend order by geo, week) as spend
    from {{ ref('int_mixloop__model_media') }}
    group by model_id, channel_id
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

media as (
    select * from {{ ref('int_mixloop__media_weekly') }}
),

leaf_spend as (
    select
        model_spend.model_id,
        model_spend.channel_id,
        cast(sum(media.spend) as double) as spend
    from model_spend
    inner join closure
        on model_spend.channel_id = closure.ancestor_id
    inner join model_geos
        on model_spend.model_id = model_geos.model_id
    inner join media
        on
            closure.descendant_id = media.channel_id
            and model_geos.geo = media.geo
            and media.week between model_spend.first_week and model_spend.last_week
    group by model_spend.model_id, model_spend.channel_id
),

offenders as (
    select
        model_spend.model_id,
        model_spend.channel_id,
        model_spend.spend,
        leaf_spend.spend as leaf_spend
    from model_spend
    left join leaf_spend
        on
            model_spend.model_id = leaf_spend.model_id
            and model_spend.channel_id = leaf_spend.channel_id
    where
        not coalesce(
            abs(model_spend.spend - leaf_spend.spend) <= 1e-9 * greatest(1, abs(leaf_spend.spend)),
            false
        )
)

select * from offenders
