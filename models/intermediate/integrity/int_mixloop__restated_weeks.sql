-- one row per input x series x week that today's inputs tell otherwise than an earlier build
-- loaded it: the newest snapshot that differs, and what is there now. New weeks are no restatement
with snapshots as (
    {{ mixloop.input_snapshots() | indent(4) }}
),

content as (
    select * from {{ ref('int_mixloop__input_content') }}
),

-- weeks of today that are not whole are not compared
partial_weeks as (
    select
        input_name,
        series,
        week
    from {{ ref('int_mixloop__input_weeks') }}
    where not is_complete
),

spans as (
    select
        input_name,
        min(week) as first_week,
        max(week) as last_week
    from {{ ref('int_mixloop__input_weeks') }}
    group by input_name
),

newest as (
    select max(as_of_week) as as_of_week
    from content
),

-- outside the weeks that the input has now, history was cut and not restated
latest as (
    select
        snapshots.input_name,
        snapshots.series,
        snapshots.week,
        max(snapshots.revision) as revision,
        arg_max(snapshots.content_hash, snapshots.revision) as content_hash,
        arg_max(snapshots.as_of_week, snapshots.revision) as as_of_week
    from snapshots
    inner join spans
        on
            snapshots.input_name = spans.input_name
            and snapshots.week between spans.first_week and spans.last_week
    left join partial_weeks
        on
            snapshots.input_name = partial_weeks.input_name
            and snapshots.series = partial_weeks.series
            and snapshots.week = partial_weeks.week
    where
        partial_weeks.week is null
        -- snapshots made under another first day of the week cannot be compared
        and snapshots.week = {{ mixloop.week_start('snapshots.week') }}
    group by snapshots.input_name, snapshots.series, snapshots.week
),

-- rows that are gone count as no rows
current_content as (
    select
        latest.input_name,
        latest.series,
        latest.week,
        latest.content_hash as latest_hash,
        latest.as_of_week as latest_as_of_week,
        coalesce(content.n_rows, 0) as n_rows,
        coalesce(content.value_sum, 0) as value_sum,
        content.impressions_sum,
        content.source_file
    from latest
    left join content
        on
            latest.input_name = content.input_name
            and latest.series = content.series
            and latest.week = content.week
),

hashed as (
    select
        *,
        {{ mixloop.input_content_hash() }} as content_hash
    from current_content
),

previous as (
    select
        hashed.input_name,
        hashed.series,
        hashed.week,
        max(snapshots.revision) as revision
    from hashed
    inner join snapshots
        on
            hashed.input_name = snapshots.input_name
            and hashed.series = snapshots.series
            and hashed.week = snapshots.week
            and hashed.content_hash != snapshots.content_hash
    group by hashed.input_name, hashed.series, hashed.week
),

restated_weeks as (
    select
        hashed.input_name,
        hashed.series,
        hashed.week,
        newest.as_of_week,
        case
            when hashed.latest_hash = hashed.content_hash then hashed.latest_as_of_week
            else newest.as_of_week
        end as restated_as_of,
        snapshots.as_of_week as previous_as_of,
        snapshots.value_sum as previous_value,
        snapshots.impressions_sum as previous_impressions,
        snapshots.n_rows as previous_rows,
        snapshots.source_file as previous_file,
        hashed.value_sum,
        hashed.impressions_sum,
        hashed.n_rows,
        hashed.source_file,
        hashed.content_hash
    from hashed
    cross join newest
    inner join previous
        on
            hashed.input_name = previous.input_name
            and hashed.series = previous.series
            and hashed.week = previous.week
    inner join snapshots
        on
            previous.input_name = snapshots.input_name
            and previous.series = snapshots.series
            and previous.week = snapshots.week
            and previous.revision = snapshots.revision
    -- rows that had been gone and are back are as good as new ones
    where snapshots.n_rows > 0
)

select * from restated_weeks
