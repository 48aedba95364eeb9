-- The causes of a restatement add up to its total, which leads from the earlier run's number to the
-- later one's; all media are the channels together.
with restatements as (
    select * from {{ ref('mixloop__restatements') }}
),

components as (
    select
        run_id,
        earlier_run_id,
        component_id,
        count(*) filter (where cause = 'total') as n_totals,
        max(change) filter (where cause = 'total') as total,
        max(effect_after - effect_before) filter (where cause = 'total') as gap,
        sum(change) filter (where cause != 'total') as causes,
        max(abs(effect_before) + abs(effect_after)) filter (where cause = 'total') as size
    from restatements
    group by run_id, earlier_run_id, component_id
),

wholes as (
    select
        run_id,
        earlier_run_id,
        cause,
        sum(change) filter (where component_id = 'all_media') as whole,
        sum(change) filter (where component_id != 'all_media') as parts,
        sum(abs(coalesce(effect_before, 0)) + abs(coalesce(effect_after, 0)) + abs(change)) as size
    from restatements
    group by run_id, earlier_run_id, cause
),

offenders as (
    select concat_ws(' ', 'causes', run_id, component_id) as offender
    from components
    where
        n_totals != 1
        or not coalesce(
            abs(total - causes) <= 1e-9 * (1 + size) and abs(total - gap) <= 1e-9 * (1 + size),
            false
        )
    union all
    select concat_ws(' ', 'channels', run_id, cause) as offender
    from wholes
    where not coalesce(abs(whole - parts) <= 1e-9 * (1 + size), false)
)

select * from offenders
