-- one row per model x holiday x week that the holiday falls in, history and future
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with holidays as (
    select * from {{ ref('int_mixloop__holidays') }}
    where is_known
),

weeks as (
    select * from {{ ref('int_mixloop__weeks') }}
),

-- a day on which two holidays of one name fall counts once a country
days as (
    select
        model_id,
        {{ mixloop.slug('label') }} as event_id,
        holiday_country,
        holiday_date,
        {{ mixloop.week_start('holiday_date') }} as week,
        min(label) as label,
        min(n_countries) as n_countries
    from holidays
    group by model_id, event_id, holiday_country, holiday_date
),

-- a holiday of one country out of two counts half
holiday_weeks as (
    select
        days.model_id,
        days.event_id,
        days.week,
        min(days.label) as label,
        cast(count(*) as double) / (7 * min(days.n_countries)) as value,
        min(days.holiday_date) as first_date,
        max(days.holiday_date) as last_date
    from days
    inner join weeks
        on days.week = weeks.week
    group by days.model_id, days.event_id, days.week
)

select * from holiday_weeks
