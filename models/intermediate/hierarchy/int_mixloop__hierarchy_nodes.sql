-- one row per hierarchy x channel: the client's rows, the first where a channel appears twice.
-- Not behind the gate: duplicates are a finding.
with hierarchy as (
    select * from {{ ref('stg_mixloop__channel_hierarchy') }}
    where channel_id is not null
),

numbered as (
    select
        hierarchy_id,
        channel_id,
        parent_id,
        label,
        owner,
        objective,
        coalesce(is_modelled, false) as is_modelled,
        source_file,
        source_row,
        row_number() over (
            partition by hierarchy_id, channel_id order by source_row, source_file
        ) as occurrence
    from hierarchy
),

nodes as (
    select * exclude (occurrence)
    from numbered
    where occurrence = 1
)

select * from nodes
