-- one row per media series x part of a week: media summed. The one pass over the facts that every
-- later sum is made from. A week is cut where a mapping rule begins or ends inside it, so that
-- every part belongs to one rule
with facts as (
    select * from {{ ref('int_mixloop__media_facts') }}
),

series as (
    select
        series_hash,
        series_number
    from {{ ref('int_mixloop__media_series') }}
),

rules as (
    select * from {{ ref('int_mixloop__mapping_rules') }}
),

cuts as (
    select valid_from as cut_day
    from rules
    union all
    select valid_to + 1 as cut_day
    from rules
    where valid_to < date '9999-12-31'
),

readable_days as (
    select
        activity_date,
        {{ mixloop.week_start('activity_date') }} as week
    from facts
    where activity_date between date '1970-01-01' and date '2100-12-31'
    group by activity_date
),

days as (
    select
        readable_days.activity_date,
        readable_days.week,
        coalesce(max(cuts.cut_day), readable_days.week) as part_start,
        cast(1 << (readable_days.activity_date - readable_days.week) as utinyint) as day_bit
    from readable_days
    left join cuts
        on
            readable_days.week < cuts.cut_day
            and readable_days.activity_date >= cuts.cut_day
    group by readable_days.activity_date, readable_days.week
),

series_weeks as (
    select
        series.series_number,
        -- rows whose date cannot be read have no week; they are blocking findings
        coalesce(days.part_start, date '0001-01-01') as part_start,
        min(days.week) as week,
        min(days.activity_date) as first_date,
        max(days.activity_date) as last_date,
        bit_or(days.day_bit) as day_bits,
        count(*) as n_rows,
        count(*) filter (where not facts.are_values_fine) as n_bad_rows,
        sum(facts.spend) as spend,
        sum(facts.impressions) as impressions,
        sum(facts.clicks) as clicks
    from facts
    inner join series
        on facts.series_hash = series.series_hash
    left join days
        on facts.activity_date = days.activity_date
    group by series.series_number, coalesce(days.part_start, date '0001-01-01')
)

select * from series_weeks
