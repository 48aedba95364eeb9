-- A warning: an approved decision that is no longer in the client's table. The ledger still has it
-- as it was approved. Decisions that a build as of an earlier week cannot know are left out.
{{ config(severity='warn') }}

with entries as (
    select *
    from {{ ref('mixloop__ledger') }}
    where record_kind = 'decision'
    qualify row_number() over (partition by record_id order by revision desc) = 1
),

candidates as (
    select * from {{ ref('int_mixloop__ledger_candidates') }}
),

newest_week as (
    select max(last_training_week) as week
    from {{ ref('int_mixloop__models') }}
),

offenders as (
    select
        entries.record_id,
        entries.as_of_week,
        entries.content
    from entries
    cross join newest_week
    left join candidates
        on
            entries.record_kind = candidates.record_kind
            and entries.record_id = candidates.record_id
    where
        candidates.record_id is null
        and coalesce(entries.as_of_week <= newest_week.week, true)
)

select * from offenders
