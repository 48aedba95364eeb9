-- one row per node of any hierarchy x leaf of `main` (or `unmapped`) that it adds up
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with hierarchy_leaves as (
    select * from {{ ref('int_mixloop__hierarchy_leaves') }}
),

rollup_leaves as (
    select
        {{ mixloop.node_id('hierarchy_id', 'channel_id') }} as node_id,
        hierarchy_id,
        channel_id,
        leaf_id
    from hierarchy_leaves
)

select * from rollup_leaves
