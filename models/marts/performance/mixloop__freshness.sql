-- one row per judged run: one verdict, its cause and what to do
with judged_runs as (
    select * from {{ ref('int_mixloop__judged_runs') }}
    where is_judged
),

staleness as (
    select
        *,
        case
            when signal in ('spend_range', 'carryover_range', 'budget_range') then 'out_of_range'
            when signal = 'misses' then 'biased'
            else 'stale'
        end as means
    from {{ ref('mixloop__staleness') }}
),

health as (
    select * from {{ ref('mixloop__model_health') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

-- what is furthest beyond its threshold is said first
triggered as (
    select
        *,
        row_number() over (
            partition by run_id, means
            order by
                channel_id = 'total' desc,
                abs(measured / nullif(threshold, 0)) desc,
                channel_id asc,
                signal asc
        ) as position
    from staleness
    where is_triggered
),

causes as (
    select
        run_id,
        means,
        count(*) as n_triggered,
        string_agg(sentence, '; ' order by position asc) filter (where position <= 3) as cause,
        any_value(remedy order by position asc) as remedy
    from triggered
    group by run_id, means
),

counts as (
    select
        run_id,
        count(*) as n_signals,
        count(*) filter (where measured is not null) as n_measured,
        count(*) filter (where is_triggered) as n_triggered,
        coalesce(bool_or(is_triggered and means = 'out_of_range'), false) as is_out_of_range,
        coalesce(bool_or(is_triggered and means = 'biased'), false) as is_biased,
        coalesce(bool_or(is_triggered and means = 'stale'), false) as is_stale
    from staleness
    group by run_id
),

-- The verdict is the worst that is true: a broken run is not asked for more.
verdicts as (
    select
        judged_runs.*,
        coalesce(counts.n_signals, 0) as n_signals,
        coalesce(counts.n_measured, 0) as n_measured,
        coalesce(counts.n_triggered, 0) as n_triggered,
        coalesce(counts.is_out_of_range, false) as is_out_of_range,
        coalesce(counts.is_biased, false) as is_biased,
        coalesce(counts.is_stale, false) as is_stale,
        not judged_runs.is_converged
        or coalesce(health.verdict = 'not for decisions', false)
        or counts.run_id is null as is_broken,
        case
            when health.verdict = 'not for decisions' then health.reasons
            when not judged_runs.is_converged then 'the fit has not converged'
            when counts.run_id is null then 'no media tell what the run was trained on'
        end as broken_by,
        case
            when not judged_runs.is_converged then 'raise mixloop__max_sweeps and build again'
            else 'see mixloop__health_checks; do not decide on this run'
        end as repair
    from judged_runs
    left join counts
        on judged_runs.run_id = counts.run_id
    left join health
        on judged_runs.run_id = health.run_id
),

worst as (
    select
        *,
        case
            when is_broken then 'broken'
            when is_out_of_range then 'out_of_range'
            when is_biased then 'biased'
            when is_stale then 'stale'
            else 'fresh'
        end as verdict
    from verdicts
),

final as (
    select
        worst.run_id,
        worst.model_id,
        worst.run_kind,
        worst.as_of_week,
        worst.last_known_week,
        (worst.last_known_week - worst.as_of_week) // 7 as weeks_since_training,
        worst.run_number = 1 as is_newest,
        worst.is_current,
        worst.verdict,
        case
            when worst.verdict = 'broken' then worst.broken_by
            else causes.cause
        end as cause,
        case
            when worst.verdict = 'broken' then worst.repair
            else causes.remedy
        end as remedy,
        worst.is_broken,
        worst.is_out_of_range,
        worst.is_biased,
        worst.is_stale,
        worst.n_signals,
        worst.n_measured,
        worst.n_triggered,
        (select publication.overrides from publication) as overrides
    from worst
    left join causes
        on
            worst.run_id = causes.run_id
            and worst.verdict = causes.means
)

select * from final
