-- What the ledger says was published is still there as it was, but for what was pruned on record;
-- and all that was published is in the ledger.
with entries as (
    select *
    from {{ ref('mixloop__ledger') }}
    qualify row_number() over (partition by record_kind, record_id order by revision desc) = 1
),

candidates as (
    select * from {{ ref('int_mixloop__ledger_candidates') }}
),

runs_without_draws as (
    select * from {{ ref('int_mixloop__runs_without_draws') }}
),

kept_kinds as (
    {%- for kind, habit in mixloop.ledger_kinds().items() if habit == 'kept' %}
    select '{{ kind }}' as record_kind
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

compared as (
    select
        coalesce(entries.record_kind, candidates.record_kind) as record_kind,
        coalesce(entries.record_id, candidates.record_id) as record_id,
        entries.position,
        case
            when entries.record_id is null then 'it was published and is not in the ledger'
            when
                candidates.record_id is null
                and kept_kinds.record_kind is not null
                and runs_without_draws.run_id is null
                then 'it is in the ledger, and its rows are gone'
            when
                kept_kinds.record_kind is not null
                and candidates.content_hash != entries.content_hash
                then 'its rows are not those that were published'
            when
                kept_kinds.record_kind is null
                and candidates.content_hash != entries.content_hash
                and coalesce(candidates.as_of_week >= entries.as_of_week, true)
                then 'it has changed, and the ledger has no revision of it'
        end as problem
    from entries
    full join candidates
        on
            entries.record_kind = candidates.record_kind
            and entries.record_id = candidates.record_id
    left join kept_kinds
        on coalesce(entries.record_kind, candidates.record_kind) = kept_kinds.record_kind
    left join runs_without_draws
        on
            entries.record_kind = 'run'
            and entries.record_id = runs_without_draws.run_id
),

offenders as (
    select * from compared
    where problem is not null
)

select * from offenders
