-- one row per judged run x channel (or total) x signal
with staleness as (
    select * from {{ ref('int_mixloop__staleness') }}
),

judged_runs as (
    select * from {{ ref('int_mixloop__judged_runs') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key([
            'staleness.run_id', 'staleness.channel_id', 'signal',
        ]) }} as staleness_id,
        staleness.run_id,
        staleness.model_id,
        staleness.as_of_week,
        staleness.last_known_week,
        judged_runs.run_number = 1 as is_newest,
        staleness.channel_id,
        coalesce(channel_tree.label, staleness.channel_id) as label,
        channel_tree.owner,
        staleness.signal,
        staleness.measured,
        staleness.threshold,
        staleness.is_triggered,
        staleness.first_week,
        staleness.last_week,
        staleness.n_observations,
        staleness.p_value,
        staleness.sentence,
        staleness.remedy,
        (select publication.overrides from publication) as overrides
    from staleness
    inner join judged_runs
        on staleness.run_id = judged_runs.run_id
    left join channel_tree
        on staleness.channel_id = channel_tree.channel_id
)

select * from final
