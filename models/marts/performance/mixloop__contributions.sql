with contributions as (
    select * from {{ ref('int_mixloop__contributions') }}
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
            'run_id', 'geo', 'week', 'contributions.component_id',
        ]) }} as contribution_id,
        contributions.run_id,
        contributions.model_id,
        contributions.geo,
        contributions.week,
        contributions.component_id,
        contributions.component_type,
        coalesce(components.label, contributions.component_id) as component_label,
        components.owner,
        components.parent_id,
        contributions.is_additive,
        contributions.is_controllable,
        contributions.allocation,
        contributions.hierarchy_id,
        contributions.is_pooled,
        contributions.contribution_mean,
        contributions.contribution_p05,
        contributions.contribution_p50,
        contributions.contribution_p95,
        (select publication.overrides from publication) as overrides
    from contributions
    left join components
        on
            contributions.component_id = components.component_id
            and contributions.component_type = 'channel'
)

select * from final
