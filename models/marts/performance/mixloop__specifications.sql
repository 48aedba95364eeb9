with specifications as (
    select * from {{ ref('int_mixloop__specifications') }}
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key([
            'run_id', 'channel_id', 'dimension', 'specification',
        ]) }} as specification_id,
        specifications.run_id,
        specifications.model_id,
        specifications.channel_id,
        components.label,
        components.owner,
        specifications.source_run_id,
        specifications.dimension,
        specifications.specification,
        specifications.position,
        specifications.n_draws,
        specifications.probability,
        specifications.variance_share,
        specifications.spend,
        specifications.effect_mean,
        specifications.effect_p05,
        specifications.effect_p50,
        specifications.effect_p95,
        specifications.roi_mean,
        specifications.roi_p05,
        specifications.roi_p50,
        specifications.roi_p95,
        (select publication.overrides from publication) as overrides
    from specifications
    left join components
        on specifications.channel_id = components.component_id
)

select * from final
