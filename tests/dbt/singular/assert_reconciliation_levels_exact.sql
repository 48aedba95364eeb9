-- Raw spend equals mapped plus unmapped spend and every level of every hierarchy, and a node is the
-- sum of its children, to the last decimal.
with reconciliation as (
    select * from {{ ref('mixloop__reconciliation') }}
    where check_name is distinct from 'finance'
),

offenders as (
    select *
    from reconciliation
    where not coalesce(difference = 0 and actual = expected and is_within, false)
)

select * from offenders
