-- one row per published live run x channel: what was said of it, and how that moved from run to run
with published as (
    select * from {{ ref('int_mixloop__published_hypotheses') }}
    where {{ mixloop.is_run_known('as_of_week') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

models as (
    select
        model_id,
        kpi
    from {{ ref('int_mixloop__models') }}
),

current_runs as (
    select run_id
    from {{ ref('int_mixloop__hypotheses') }}
    group by run_id
),

-- the latest revision
hypotheses as (
    select *
    from published
    qualify row_number() over (partition by run_id, channel_id order by revision desc) = 1
),

runs as (
    select
        run_id,
        any_value(model_id) as model_id,
        any_value(as_of_week) as as_of_week,
        max(record_number) as record_number
    from hypotheses
    group by run_id
),

-- Of several runs trained to one week the last one counts for those that follow, whatever the order
-- in which weeks were built.
runs_of_record as (
    select *
    from runs
    qualify row_number() over (
        partition by model_id, as_of_week
        order by record_number desc, run_id asc
    ) = 1
),

previous_runs as (
    select
        model_id,
        as_of_week,
        run_id,
        row_number() over (partition by model_id order by as_of_week) as run_order,
        lag(run_id) over (partition by model_id order by as_of_week) as previous_run_id
    from runs_of_record
),

linked as (
    select
        runs.run_id,
        runs.model_id,
        runs.as_of_week,
        previous_runs.run_order,
        previous_runs.previous_run_id
    from runs
    inner join previous_runs
        on
            runs.model_id = previous_runs.model_id
            and runs.as_of_week = previous_runs.as_of_week
),

-- what the run says, and what the one before it said
subjects as (
    select
        linked.run_id,
        linked.as_of_week,
        linked.run_order,
        linked.previous_run_id,
        hypotheses.channel_id
    from linked
    inner join hypotheses
        on linked.run_id = hypotheses.run_id
    union all
    select
        linked.run_id,
        linked.as_of_week,
        linked.run_order,
        linked.previous_run_id,
        hypotheses.channel_id
    from linked
    inner join hypotheses
        on linked.previous_run_id = hypotheses.run_id
),

asked as (
    select
        run_id,
        as_of_week,
        run_order,
        previous_run_id,
        channel_id
    from subjects
    group by run_id, as_of_week, run_order, previous_run_id, channel_id
),

compared as (
    select
        asked.run_id,
        asked.as_of_week,
        asked.run_order,
        asked.previous_run_id,
        asked.channel_id,
        own.run_id is null as is_dropped,
        own.revision,
        previous.direction as previous_direction,
        previous.p_over as previous_p_over,
        {% for name in [
            'model_id', 'is_pooled', 'hurdle_roi', 'weekly_spend', 'p_over', 'direction',
            'best_weekly_spend',
            'marginal_roi_mean', 'marginal_roi_p05', 'marginal_roi_p50', 'marginal_roi_p95',
            'movable_spend_mean', 'movable_spend_p05', 'movable_spend_p50', 'movable_spend_p95',
            'gain_mean', 'gain_p05', 'gain_p50', 'gain_p95',
            'n_origins', 'share_origins_agree', 'n_specifications', 'share_specifications_agree',
        ] %}
        case when own.run_id is null then previous.{{ name }} else own.{{ name }} end as {{ name }},
        {% endfor %}
        previous.weekly_spend as previous_weekly_spend
    from asked
    left join hypotheses as own
        on
            asked.run_id = own.run_id
            and asked.channel_id = own.channel_id
    left join hypotheses as previous
        on
            asked.previous_run_id = previous.run_id
            and asked.channel_id = previous.channel_id
),

-- up to eight runs of record before it
earlier as (
    select
        compared.run_id,
        compared.channel_id,
        count(*) as n_earlier_runs,
        avg(
            case when (earlier_said.p_over >= 0.5) = (compared.p_over >= 0.5) then 1.0 else 0.0 end
        ) as share_earlier_runs_agree
    from compared
    inner join previous_runs
        on
            compared.model_id = previous_runs.model_id
            and compared.run_order > previous_runs.run_order
            and compared.run_order <= previous_runs.run_order + 8
    inner join hypotheses as earlier_said
        on
            previous_runs.run_id = earlier_said.run_id
            and compared.channel_id = earlier_said.channel_id
    group by compared.run_id, compared.channel_id
),

moved as (
    select
        *,
        case
            when direction = 'under' then 1.0 - p_over
            when direction = 'over' then p_over
            else greatest(p_over, 1.0 - p_over)
        end as probability,
        case
            when previous_direction = 'under' then 1.0 - previous_p_over
            else previous_p_over
        end as previous_probability,
        case
            when previous_direction = 'under' then 1.0 - p_over
            else p_over
        end as still_probability,
        case previous_direction when 'under' then 1.0 else -1.0 end
        * (weekly_spend / nullif(previous_weekly_spend, 0) - 1.0) as moved_as_said
    from compared
),

judged as (
    select
        *,
        case
            when is_dropped then 'dropped'
            when direction = 'open' and coalesce(previous_direction, 'open') = 'open' then 'open'
            when coalesce(previous_direction, 'open') = 'open' then 'new'
            when direction != 'open' and direction != previous_direction then 'reversed'
            when
                direction = 'open'
                and moved_as_said >= {{ var('mixloop__hypothesis_moved') }}
                then 'resolved'
            when
                direction = 'open'
                or previous_probability - still_probability
                > {{ var('mixloop__hypothesis_weakened') }}
                then 'weakened'
            else 'held'
        end as status
    from moved
),

named as (
    select
        judged.*,
        coalesce(channel_tree.label, judged.channel_id) as label,
        channel_tree.owner,
        case
            when judged.probability >= 0.995 then 'more than 99%'
            else format('{:.0f}%', 100 * judged.probability)
        end as chance,
        format(
            'about {} a week (90%: {} to {})',
            {{ mixloop.short_number('judged.movable_spend_mean') }},
            {{ mixloop.short_number('judged.movable_spend_p05') }},
            {{ mixloop.short_number('judged.movable_spend_p95') }}
        ) as amount,
        case
            when abs(judged.best_weekly_spend - judged.weekly_spend) < 1e-9 * judged.weekly_spend
                then '. No other amount is better on average'
            else
                format(
                    '. At {} a week instead of {}: {} {} a week after the hurdle (90%: {} to {}){}',
                    {{ mixloop.short_number('judged.best_weekly_spend') }},
                    {{ mixloop.short_number('judged.weekly_spend') }},
                    {{ mixloop.short_number('judged.gain_mean') }},
                    coalesce(models.kpi, 'of the KPI'),
                    {{ mixloop.short_number('judged.gain_p05') }},
                    {{ mixloop.short_number('judged.gain_p95') }},
                    case
                        when judged.gain_p05 < 0 and judged.gain_p95 > 0
                            then ', so it may as well lose'
                        else ''
                    end
                )
        end as worth
    from judged
    left join models
        on judged.model_id = models.model_id
    left join channel_tree
        on judged.channel_id = channel_tree.channel_id
),

final as (
    select
        {{ mixloop.surrogate_key(['named.run_id', 'named.channel_id']) }} as hypothesis_id,
        named.run_id,
        named.model_id,
        named.as_of_week,
        current_runs.run_id is not null as is_current,
        named.channel_id,
        named.label,
        named.owner,
        named.is_pooled,
        named.direction,
        named.probability,
        named.p_over,
        named.hurdle_roi,
        named.weekly_spend,
        named.best_weekly_spend,
        named.marginal_roi_mean,
        named.marginal_roi_p05,
        named.marginal_roi_p50,
        named.marginal_roi_p95,
        named.movable_spend_mean,
        named.movable_spend_p05,
        named.movable_spend_p50,
        named.movable_spend_p95,
        named.gain_mean,
        named.gain_p05,
        named.gain_p50,
        named.gain_p95,
        named.status,
        named.previous_run_id,
        named.previous_direction,
        named.previous_p_over,
        coalesce(earlier.n_earlier_runs, 0) as n_earlier_runs,
        earlier.share_earlier_runs_agree,
        named.n_origins,
        named.share_origins_agree,
        named.n_specifications,
        named.share_specifications_agree,
        coalesce(named.revision, 1) as revision,
        case
            when named.is_dropped
                then
                    concat(
                        named.label,
                        ' has no money in the last 52 weeks, or is not modelled any more; the run '
                        || 'before said: ',
                        named.direction
                    )
            when named.direction = 'over'
                then
                    concat(
                        named.chance, ' that ', named.label,
                        ' is past the point where more money earns the hurdle of ',
                        {{ mixloop.short_number('named.hurdle_roi') }}, '; ', named.amount,
                        ' could be used elsewhere', named.worth
                    )
            when named.direction = 'under'
                then
                    concat(
                        named.chance, ' that more money for ', named.label,
                        ' still earns the hurdle of ',
                        {{ mixloop.short_number('named.hurdle_roi') }}, '; ', named.amount,
                        ' could be added', named.worth
                    )
            else
                concat(
                    'whether ', named.label, ' has too much or too little money is open (',
                    format('{:.0f}%', 100 * named.p_over), ' too much); ', named.amount,
                    ' at stake', named.worth
                )
        end as sentence,
        (select publication.overrides from publication) as overrides
    from named
    left join earlier
        on
            named.run_id = earlier.run_id
            and named.channel_id = earlier.channel_id
    left join current_runs
        on named.run_id = current_runs.run_id
)

select * from final
