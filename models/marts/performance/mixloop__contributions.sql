with contributions as (
    select * from {{ ref('int_mixloop__contributions') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
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
        coalesce(channel_tree.label, contributions.component_id) as component_label,
        channel_tree.owner,
        channel_tree.parent_id,
        contributions.is_additive,
        contributions.is_controllable,
        contributions.contribution_mean,
        contributions.contribution_p05,
        contributions.contribution_p50,
        contributions.contribution_p95
    from contributions
    left join channel_tree
        on
            contributions.component_id = channel_tree.channel_id
            and contributions.component_type = 'channel'
)

select * from final
