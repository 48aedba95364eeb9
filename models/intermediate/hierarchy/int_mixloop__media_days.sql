-- one row per day with media: its week, and the part of the week it belongs to. A week is cut
-- where a mapping rule or a month that finance has booked begins or ends inside it, so that every
-- part belongs to one rule and one month. A model of its own: DuckDB copies all rows of a relation
-- that one query reads twice. Not behind the gate
with rules as (
    select * from {{ ref('int_mixloop__mapping_rules') }}
),

booked_months as (
    select month
    from {{ ref('stg_mixloop__finance') }}
    where month is not null
    group by month
),

cuts as (
    select valid_from as cut_day
    from rules
    union all
    select valid_to + 1 as cut_day
    from rules
    where valid_to < date '9999-12-31'
    union all
    select unnest([month, cast(month + interval 1 month as date)]) as cut_day
    from booked_months
),

readable_days as (
    select
        activity_date,
        {{ mixloop.week_start('activity_date') }} as week
    from {{ ref('int_mixloop__media_values') }}
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
)

select * from days
