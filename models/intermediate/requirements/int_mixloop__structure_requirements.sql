-- one row per model x thing that the model needs of the client's structure: what it needs and got
{%- set small_share = var('mixloop__min_share_of_spend', 0.01) %}
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

feasibility as (
    select * from {{ ref('int_mixloop__feasibility') }}
    where node_role = 'modelled'
),

channels as (
    select
        feasibility.model_id,
        count(*) as n_modelled,
        count(*) filter (where feasibility.active_weeks > 0) as n_active,
        count(*) filter (where tree.owner is not null) as n_owned,
        count(*) filter (where feasibility.media_unit = 'impressions' and feasibility.spend = 0)
            as n_on_impressions,
        coalesce(sum(feasibility.spend), 0) as modelled_spend,
        list_sort(list(left(tree.label, 60)) filter (where feasibility.active_weeks = 0))
            as silent,
        list_sort(list(left(tree.label, 60)) filter (where tree.owner is null)) as without_owner,
        list_sort(
            list(left(tree.label, 60))
            filter (where feasibility.media_unit = 'impressions' and feasibility.spend = 0)
        ) as on_impressions
    from feasibility
    inner join tree
        on feasibility.node_id = tree.channel_id
    group by feasibility.model_id
),

nodes as (
    select
        count(*) filter (where channel_id != 'unmapped') as n_nodes,
        max(level) + 1 as n_levels
    from tree
),

node_media as (
    select
        model_id,
        node_id,
        sum(cast(spend as decimal(38, 6))) as spend
    from {{ ref('int_mixloop__model_node_media') }}
    group by model_id, node_id
),

money as (
    select
        node_media.model_id,
        cast(sum(node_media.spend) as double) as spend,
        cast(
            coalesce(sum(node_media.spend) filter (where tree.channel_id = 'unmapped'), 0) as double
        ) as unmapped_spend
    from node_media
    inner join tree
        on node_media.node_id = tree.channel_id
    where tree.parent_id is null
    group by node_media.model_id
),

facts as (
    select
        models.model_id,
        coalesce(channels.n_modelled, 0) as n_modelled,
        coalesce(channels.n_active, 0) as n_active,
        coalesce(channels.n_owned, 0) as n_owned,
        coalesce(channels.n_on_impressions, 0) as n_on_impressions,
        array_to_string(channels.silent[:5], ', ') as silent,
        array_to_string(channels.without_owner[:5], ', ') as without_owner,
        array_to_string(channels.on_impressions[:5], ', ') as on_impressions,
        nodes.n_nodes,
        nodes.n_levels,
        coalesce(money.spend, 0) as spend,
        coalesce(money.unmapped_spend, 0) as unmapped_spend,
        -- what doubles leave over of a sum that is zero counts as zero
        greatest(
            round(
                coalesce(money.spend - money.unmapped_spend, 0)
                - coalesce(channels.modelled_spend, 0),
                2
            ),
            0
        ) as unmodelled_spend
    from models
    cross join nodes
    left join channels
        on models.model_id = channels.model_id
    left join money
        on models.model_id = money.model_id
),

requirements as (
    select
        model_id,
        'hierarchy' as requirement,
        10 as position,
        'A tree of your channels in which the ones to be measured are marked, each with media in'
        || ' the training weeks' as needs,
        concat(
            n_active, ' of ', n_modelled, ' marked channels had media, in a tree of ', n_nodes,
            ' nodes on ', n_levels, ' levels',
            case when n_active < n_modelled then concat('. Without media: ', silent) else '' end
        ) as got,
        case when n_active = 0 then 'blocking' when n_active < n_modelled then 'warn' else 'ok' end
            as status,
        'bring media for these channels, add mapping rules for them, or set is_modelled to false'
            as next_step
    from facts
    union all
    select
        model_id,
        'mapping' as requirement,
        20 as position,
        'Every line item claimed by one of your mapping rules' as needs,
        case
            when unmapped_spend = 0 then 'All spend is mapped to a channel'
            else concat(
                format('{:,.0f}', unmapped_spend), ' of ', format('{:,.0f}', spend),
                ' spent is claimed by no rule (',
                format('{:.2f}%', 100 * unmapped_spend / spend), '); it stays visible as Unmapped'
            )
        end as got,
        case
            when unmapped_spend >= {{ small_share }} * spend and unmapped_spend > 0 then 'warn'
            when unmapped_spend > 0 then 'info'
            else 'ok'
        end as status,
        'add rules for the largest line items of mixloop__unmapped_media' as next_step
    from facts
    union all
    select
        model_id,
        'coverage' as requirement,
        30 as position,
        'All mapped spend in channels that are measured, so that no effect lands on the wrong one'
            as needs,
        case
            when unmodelled_spend = 0 then 'All mapped spend is in measured channels'
            else concat(
                format('{:,.0f}', unmodelled_spend), ' of ', format('{:,.0f}', spend),
                ' spent (', format('{:.2f}%', 100 * unmodelled_spend / spend),
                ') is in channels that the model does not measure'
            )
        end as got,
        case
            when unmodelled_spend >= {{ small_share }} * spend and unmodelled_spend > 0 then 'warn'
            when unmodelled_spend > 0 then 'info'
            else 'ok'
        end as status,
        'set is_modelled on the channels that hold this spend, or on a node above them'
            as next_step
    from facts
    union all
    select
        model_id,
        'owners' as requirement,
        40 as position,
        'A team behind every measured channel, so that each reader finds their own work' as needs,
        concat(
            n_owned, ' of ', n_modelled, ' measured channels name an owner',
            case when n_owned < n_modelled then concat('. Without: ', without_owner) else '' end
        ) as got,
        case when n_owned < n_modelled then 'info' else 'ok' end as status,
        'fill in owner in channel_hierarchy' as next_step
    from facts
    union all
    select
        model_id,
        'media_units' as requirement,
        50 as position,
        'Spend for every measured channel; a channel without any is measured on impressions and has'
        || ' no return on spend' as needs,
        case
            when n_on_impressions = 0 then 'All measured channels have spend'
            else concat(
                n_on_impressions, ' measured on impressions: ', on_impressions
            )
        end as got,
        case when n_on_impressions > 0 then 'info' else 'ok' end as status,
        'nothing to do if they cost nothing; otherwise bring their spend' as next_step
    from facts
)

select * from requirements
