-- one row per decision that cannot be followed up as it is written, or per test that names one
-- wrongly
{{ config(materialized='view') }}
with decisions as (
    select * from {{ ref('stg_mixloop__decisions') }}
),

-- those that are gone from the table are still followed up
approved as (
    select * from {{ ref('int_mixloop__approved_decisions') }}
),

experiments as (
    select * from {{ ref('stg_mixloop__experiments') }}
    where decision_id is not null
),

model_geos as (
    select geo
    from {{ ref('int_mixloop__defined_geos') }}
    group by geo
),

runs as (
    {{ mixloop.fitted_runs() }}
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
    where hierarchy_id = 'main' and not is_cycle
),

channel_weeks as (
    select * from {{ ref('int_mixloop__channel_weeks') }}
),

geo_lists as (
    select
        *,
        list_transform(string_split(geos, ';'), lambda x: {{ mixloop.trimmed('x') }}) as geo_list
    from decisions
),

decision_geos as (
    select
        source_file,
        source_row,
        {{ mixloop.trimmed("unnest(string_split(geos, ';'))") }} as geo
    from decisions
    where geos is not null
),

reversed_weeks as (
    select
        'decision_weeks_reversed' as check_name,
        'blocking' as severity,
        'decisions' as input_name,
        source_file,
        source_row,
        'end_week' as column_name,
        cast(end_week as varchar) as value,
        concat('the decision ends before it starts on ', start_week) as problem,
        'correct start_week or end_week' as remedy
    from decisions
    where end_week < start_week
),

incomplete as (
    select
        'decision_incomplete' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        source_file,
        source_row,
        case
            when start_week is null then 'start_week'
            when spend_from is null then 'spend_from'
            else 'spend_to'
        end as column_name,
        decision_id as value,
        'it does not say what money moves from when, so its effect can neither be predicted nor '
        || 'measured' as problem,
        'fill in start_week, and the weekly spend without and with the move' as remedy
    from decisions
    where start_week is null or spend_from is null or spend_to is null
),

without_move as (
    select
        'decision_without_move' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        source_file,
        source_row,
        'spend_to' as column_name,
        {{ mixloop.plain_number('spend_to') }} as value,
        'spend_from and spend_to are the same, so there is no effect to predict' as problem,
        'correct the weekly spend' as remedy
    from decisions
    where spend_from = spend_to
),

approved_late as (
    select
        'decision_approved_late' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        source_file,
        source_row,
        'approved_on' as column_name,
        cast(approved_on as varchar) as value,
        concat('the move began on ', start_week, ', before it was approved') as problem,
        'correct the dates; what is predicted may know weeks of the move' as remedy
    from decisions
    where approved_on >= start_week + 7
),

overlapping as (
    select
        'decision_overlap' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        later.source_file,
        later.source_row,
        'start_week' as column_name,
        cast(later.start_week as varchar) as value,
        concat(
            'it moves ', later.channel_id, ' while ', earlier.decision_id, ' does, so what was ',
            'spent holds both moves and each is measured with the money of the other'
        ) as problem,
        concat(
            'end ', earlier.decision_id, ' before this one starts; spend_from is then what it had ',
            'approved'
        ) as remedy
    from geo_lists as later
    inner join geo_lists as earlier
        on
            later.channel_id = earlier.channel_id
            and later.start_week <= coalesce(earlier.end_week, cast('9999-12-31' as date))
            and {{ mixloop.is_told_of_two('later', 'earlier') }}
),

node_weeks as (
    select
        geo_lists.source_file,
        geo_lists.source_row,
        channel_weeks.week,
        sum(channel_weeks.spend) as spend
    from geo_lists
    inner join paths
        on geo_lists.channel_id = paths.ancestor_id
    inner join channel_weeks
        on
            paths.channel_id = channel_weeks.channel_id
            and (
                geo_lists.geo_list is null
                or list_contains(geo_lists.geo_list, channel_weeks.geo)
            )
    group by geo_lists.source_file, geo_lists.source_row, channel_weeks.week
),

highest_weeks as (
    select
        source_file,
        source_row,
        max(spend) as spend
    from node_weeks
    group by source_file, source_row
),

beyond_media as (
    select
        'decision_spend_beyond_media' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        decisions.source_file,
        decisions.source_row,
        case when decisions.spend_to > 3 * highest_weeks.spend then 'spend_to' else 'spend_from' end
            as column_name,
        {{ mixloop.plain_number(
            'case when decisions.spend_to > 3 * highest_weeks.spend '
            ~ 'then decisions.spend_to else decisions.spend_from end'
        ) }} as value,
        concat(
            'more than three times what ', decisions.channel_id, ' ever had in a week there (',
            {{ mixloop.plain_number('highest_weeks.spend') }}, ')'
        ) as problem,
        'write money per week, the geos of the move together; nothing to do if it is meant'
            as remedy
    from decisions
    inner join highest_weeks
        on
            decisions.source_file = highest_weeks.source_file
            and decisions.source_row = highest_weeks.source_row
    where
        highest_weeks.spend > 0
        and greatest(decisions.spend_from, decisions.spend_to) > 3 * highest_weeks.spend
),

unknown_geos as (
    select
        'decision_geo_without_model' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        decision_geos.source_file,
        decision_geos.source_row,
        'geos' as column_name,
        decision_geos.geo as value,
        'no model covers this geo, so no effect is predicted or measured' as problem,
        'use the geo names of outcomes, separated by `;`, or leave geos empty for all' as remedy
    from decision_geos
    left join model_geos
        on decision_geos.geo = model_geos.geo
    where decision_geos.geo != '' and model_geos.geo is null
),

unknown_runs as (
    select
        'decision_run_unknown' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        decisions.source_file,
        decisions.source_row,
        'run_id' as column_name,
        decisions.run_id as value,
        'no run of this name is on record; the newest run from before the approval is used'
            as problem,
        'copy run_id from mixloop__runs, or leave it empty' as remedy
    from decisions
    left join runs
        on decisions.run_id = runs.run_id
    where decisions.run_id is not null and runs.run_id is null
),

runs_too_new as (
    select
        'decision_run_too_new' as check_name,
        'warn' as severity,
        'decisions' as input_name,
        decisions.source_file,
        decisions.source_row,
        'run_id' as column_name,
        decisions.run_id as value,
        concat(
            'the run knows the week of ', runs.as_of_week,
            ', which was not over on approval; the newest run from before it is used'
        ) as problem,
        'correct run_id or approved_on' as remedy
    from decisions
    inner join runs
        on decisions.run_id = runs.run_id
    where runs.as_of_week + 7 > decisions.approved_on
),

unknown_decisions as (
    select
        'experiment_decision_unknown' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        experiments.source_file,
        experiments.source_row,
        'decision_id' as column_name,
        experiments.decision_id as value,
        'decisions has no such row, so the test measures none' as problem,
        'correct decision_id, or leave it empty' as remedy
    from experiments
    left join decisions
        on experiments.decision_id = decisions.decision_id
    left join approved
        on experiments.decision_id = approved.decision_id
    where decisions.decision_id is null and approved.decision_id is null
),

other_channels as (
    select
        'experiment_of_other_channel' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        experiments.source_file,
        experiments.source_row,
        'channel_id' as column_name,
        experiments.channel_id as value,
        concat(
            'the decision ', experiments.decision_id, ' is about ', decisions.channel_id,
            ', so the test does not measure it'
        ) as problem,
        'correct channel_id or decision_id' as remedy
    from experiments
    inner join decisions
        on experiments.decision_id = decisions.decision_id
    where experiments.channel_id != decisions.channel_id
),

findings as (
    {%- for part in [
        'reversed_weeks', 'incomplete', 'without_move', 'approved_late', 'overlapping',
        'beyond_media', 'unknown_geos', 'unknown_runs', 'runs_too_new', 'unknown_decisions', 'other_channels',
    ] %}
    select * from {{ part }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from findings
