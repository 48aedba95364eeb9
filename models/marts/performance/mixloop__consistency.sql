with consistency as (
    select * from {{ ref('int_mixloop__consistency') }}
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'channel_id']) }} as consistency_id,
        consistency.run_id,
        consistency.model_id,
        consistency.channel_id,
        components.label,
        components.owner,
        consistency.n_origins,
        consistency.first_week,
        consistency.last_week,
        consistency.n_channels,
        consistency.roi,
        consistency.roi_lowest,
        consistency.roi_highest,
        consistency.rank,
        consistency.rank_lowest,
        consistency.rank_highest,
        consistency.is_above_hurdle,
        consistency.is_above_median,
        consistency.share_same_rank,
        consistency.share_same_side_of_hurdle,
        consistency.share_same_side_of_median,
        (select publication.overrides from publication) as overrides
    from consistency
    left join components
        on consistency.channel_id = components.component_id
)

select * from final
