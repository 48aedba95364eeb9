-- one row per model x modelled channel that was active in the training weeks
with media as (
    select * from {{ ref('int_mixloop__model_channel_media') }}
),

priors as (
    select * from {{ ref('stg_mixloop__channel_priors') }}
),

feasibility as (
    select * from {{ ref('int_mixloop__model_feasibility') }}
),

wishes as (
    select * from {{ ref('int_mixloop__unit_wishes') }}
),

totals as (
    select
        model_id,
        channel_id,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(reach) as reach,
        coalesce(sum(spend) filter (where is_training_week), 0) as training_spend,
        coalesce(sum(impressions) filter (where is_training_week), 0) as training_impressions,
        coalesce(sum(reach) filter (where is_training_week), 0) as training_reach
    from media
    group by model_id, channel_id
),

units as (
    select
        totals.*,
        {{ mixloop.media_unit(
            'wishes.media_unit', 'totals.spend', 'totals.impressions', 'totals.reach'
        ) }} as media_unit
    from totals
    left join wishes
        on
            totals.model_id = wishes.model_id
            and totals.channel_id = wishes.channel_id
),

-- a prior for this model before a prior for all models
ranked_priors as (
    select
        units.model_id,
        units.channel_id,
        cast(priors.share_of_kpi as double) as share_of_kpi,
        cast(priors.roi_low as double) as roi_low,
        cast(priors.roi_high as double) as roi_high,
        cast(priors.half_life_low_weeks as double) as half_life_low_weeks,
        cast(priors.half_life_high_weeks as double) as half_life_high_weeks,
        -- exposure saturates, of reach it is frequency
        case
            when units.media_unit != 'reach_frequency' then cast(priors.saturation_low as double)
        end as saturation_low,
        case
            when units.media_unit != 'reach_frequency' then cast(priors.saturation_high as double)
        end as saturation_high,
        case
            when units.media_unit = 'reach_frequency' then cast(priors.half_frequency_low as double)
        end as half_frequency_low,
        case
            when units.media_unit = 'reach_frequency'
                then cast(priors.half_frequency_high as double)
        end as half_frequency_high,
        nullif(cast(priors.drift_per_year as double), 0) as drift_per_year,
        row_number() over (
            partition by units.model_id, units.channel_id
            order by priors.model_id nulls last, priors.source_row
        ) as precedence
    from units
    inner join priors
        on
            units.channel_id = priors.channel_id
            and coalesce(priors.model_id, units.model_id) = units.model_id
),

model_channels as (
    select
        units.model_id,
        units.channel_id,
        units.media_unit,
        ranked_priors.share_of_kpi,
        ranked_priors.roi_low,
        ranked_priors.roi_high,
        ranked_priors.half_life_low_weeks,
        ranked_priors.half_life_high_weeks,
        ranked_priors.saturation_low,
        ranked_priors.saturation_high,
        ranked_priors.half_frequency_low,
        ranked_priors.half_frequency_high,
        ranked_priors.drift_per_year,
        feasibility.pool_id
    from units
    left join ranked_priors
        on
            units.model_id = ranked_priors.model_id
            and units.channel_id = ranked_priors.channel_id
            and ranked_priors.precedence = 1
    left join feasibility
        on
            units.model_id = feasibility.model_id
            and units.channel_id = feasibility.node_id
    where
        case units.media_unit
            when 'spend' then units.training_spend > 0
            when 'reach_frequency' then units.training_reach > 0
            else units.training_impressions > 0
        end
)

select * from model_channels
