-- one row per approved decision x model: where its money is in the model, which run speaks for the
-- day of approval, and why nothing can be predicted where that is so
with decisions as (
    select
        decision_id,
        approved_on,
        approved_by,
        channel_id,
        spend_from,
        spend_to,
        coalesce(
            list_sort(list_filter(
                list_transform(
                    string_split(geos, ';'), lambda geo: {{ mixloop.trimmed('geo') }}
                ),
                lambda geo: geo != ''
            )),
            cast([] as varchar[])
        ) as geos,
        {{ mixloop.week_start('start_week') }} as start_week,
        {{ mixloop.week_start('end_week') }} as end_week,
        run_id,
        is_test,
        is_withdrawn
    from {{ ref('int_mixloop__approved_decisions') }}
),

models as (
    select * from {{ ref('int_mixloop__models') }}
),

geo_lists as (
    select
        model_id,
        list(geo order by geo) as model_geos
    from {{ ref('int_mixloop__model_geos') }}
    group by model_id
),

model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

-- a node is a modelled channel, lies below one, or holds some
places as (
    select
        model_channels.model_id,
        closure.descendant_id as channel_id,
        case closure.distance when 0 then 'itself' else 'below' end as role,
        model_channels.channel_id as modelled_id,
        model_channels.media_unit
    from model_channels
    inner join closure
        on model_channels.channel_id = closure.ancestor_id
    union all
    select
        model_channels.model_id,
        closure.ancestor_id as channel_id,
        'above' as role,
        model_channels.channel_id as modelled_id,
        model_channels.media_unit
    from model_channels
    inner join closure
        on model_channels.channel_id = closure.descendant_id
    where closure.distance > 0
),

roles as (
    select
        model_id,
        channel_id,
        min(role) as role,
        list(modelled_id order by modelled_id) as channels,
        bool_or(media_unit = 'spend') as has_spend
    from places
    group by model_id, channel_id
),

-- the last one appended counts among runs of one week
runs as (
    select
        run_id,
        any_value(model_id) as model_id,
        any_value(run_kind) as run_kind,
        any_value(as_of_week) as as_of_week,
        list(distinct geo) as run_geos,
        list(distinct component_id) filter (where term_type = 'channel') as run_channels,
        max(rowid) as position
    from {{ ref('int_mixloop__posterior') }}
    where run_kind in ('live', 'backtest')
    group by run_id
),

asked as (
    select
        decisions.decision_id,
        models.model_id,
        models.kpi,
        decisions.approved_on,
        decisions.approved_by,
        decisions.channel_id,
        decisions.is_test,
        decisions.is_withdrawn,
        decisions.geos,
        decisions.spend_from,
        decisions.spend_to,
        decisions.start_week,
        coalesce(
            decisions.end_week,
            decisions.start_week + 7 * (cast(models.forecast_horizon_weeks as integer) - 1)
        ) as end_week,
        decisions.end_week is null as is_open_ended,
        decisions.run_id as named_run_id,
        models.first_training_week,
        models.last_training_week,
        roles.role,
        roles.channels,
        roles.has_spend,
        list_has_all(geo_lists.model_geos, decisions.geos) as has_geos
    from decisions
    cross join models
    inner join geo_lists
        on models.model_id = geo_lists.model_id
    left join roles
        on
            models.model_id = roles.model_id
            and decisions.channel_id = roles.channel_id
),

-- runs whose last week was over on the day of approval
candidates as (
    select
        asked.decision_id,
        asked.model_id,
        runs.run_id,
        runs.as_of_week,
        case
            when runs.run_id = asked.named_run_id then 'named'
            when runs.run_kind = 'live' then 'newest_before_approval'
            else 'in_hindsight'
        end as run_basis,
        case
            when asked.role = 'above'
                then list_sort(list_intersect(asked.channels, runs.run_channels))
            when list_has_all(runs.run_channels, asked.channels) then asked.channels
            else cast([] as varchar[])
        end as run_channels,
        list_has_all(runs.run_geos, asked.geos) as has_geos,
        runs.position
    from asked
    inner join runs
        on
            asked.model_id = runs.model_id
            and runs.as_of_week + 7 <= asked.approved_on
),

ranked as (
    select
        *,
        len(run_channels) > 0 and has_geos as is_usable,
        row_number() over (
            partition by decision_id, model_id
            order by
                len(run_channels) > 0 and has_geos desc,
                run_basis = 'named' desc,
                run_basis = 'in_hindsight',
                as_of_week desc,
                position desc
        ) as preference
    from candidates
),

chosen as (
    select * from ranked
    where preference = 1
),

judged as (
    select
        asked.*,
        chosen.run_id,
        chosen.run_basis,
        chosen.as_of_week as run_as_of_week,
        chosen.run_channels,
        case
            when asked.start_week is null or asked.spend_from is null or asked.spend_to is null
                then 'incomplete'
            when asked.spend_from = asked.spend_to then 'no_move'
            when not asked.has_geos then 'geo_not_in_model'
            when asked.role is null then 'not_modelled'
            when not asked.has_spend then 'no_spend'
            when chosen.run_id is null then 'no_run_before_approval'
            when not chosen.is_usable then 'not_in_run'
            else 'predicted'
        end as status
    from asked
    left join chosen
        on
            asked.decision_id = chosen.decision_id
            and asked.model_id = chosen.model_id
),

hashed as (
    select
        *,
        {{ mixloop.surrogate_key([
            'channel_id', 'spend_from', 'spend_to', 'start_week', 'end_week', 'geos', 'approved_on',
            'named_run_id',
        ]) }} as terms_hash
    from judged
),

decision_models as (
    select
        decision_id,
        model_id,
        {{ mixloop.surrogate_key(['decision_id', 'model_id', 'terms_hash']) }} as prediction_id,
        terms_hash,
        kpi,
        approved_on,
        approved_by,
        is_test,
        is_withdrawn,
        channel_id,
        role,
        channels,
        geos,
        spend_from,
        spend_to,
        start_week,
        end_week,
        is_open_ended,
        first_training_week,
        last_training_week,
        case
            when end_week <= last_training_week then 'finished'
            when start_week <= last_training_week then 'running'
            else 'to_come'
        end as progress,
        start_week >= first_training_week and end_week <= last_training_week as is_in_training,
        status not in ('incomplete', 'no_move', 'geo_not_in_model', 'not_modelled', 'no_spend')
            as is_measurable,
        status,
        named_run_id,
        case when status = 'predicted' then run_id end as run_id,
        case when status = 'predicted' then run_basis end as run_basis,
        case when status = 'predicted' then run_as_of_week end as run_as_of_week,
        case when status = 'predicted' then run_channels end as run_channels
    from hashed
)

select * from decision_models
