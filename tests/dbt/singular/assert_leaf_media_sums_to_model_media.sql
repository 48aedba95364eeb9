-- The leaves of a modelled channel have its media: spend and exposure, in every geo and week.
with leaves as (
    select
        model_id,
        geo,
        week,
        channel_id,
        sum(spend) as spend,
        sum(exposure) as exposure
    from {{ ref('int_mixloop__model_leaf_media') }}
    group by model_id, geo, week, channel_id
),

channels as (
    select * from {{ ref('int_mixloop__model_media') }}
),

offenders as (
    select
        coalesce(channels.model_id, leaves.model_id) as model_id,
        coalesce(channels.geo, leaves.geo) as geo,
        coalesce(channels.week, leaves.week) as week,
        coalesce(channels.channel_id, leaves.channel_id) as channel_id,
        channels.spend,
        leaves.spend as leaf_spend,
        channels.exposure,
        leaves.exposure as leaf_exposure
    from channels
    full outer join leaves
        on
            channels.model_id = leaves.model_id
            and channels.geo = leaves.geo
            and channels.week = leaves.week
            and channels.channel_id = leaves.channel_id
    where
        not coalesce(
            abs(channels.spend - coalesce(leaves.spend, 0)) <= 1e-9 * greatest(1, channels.spend),
            false
        )
        or not coalesce(
            abs(channels.exposure - coalesce(leaves.exposure, 0))
            <= 1e-9 * greatest(1, channels.exposure),
            false
        )
)

select * from offenders
