-- one row per input x series x week that is whole: what today's inputs say of it. Not behind the
-- gate
{{ config(materialized='view') }}
with weeks as (
    select * from {{ ref('int_mixloop__input_weeks') }}
    where is_complete
),

-- the newest week of the data: the only clock there is
newest as (
    select max(week) as as_of_week
    from weeks
    where input_name in ('media', 'outcomes')
),

input_content as (
    select
        weeks.input_name,
        weeks.series,
        weeks.week,
        newest.as_of_week,
        weeks.value_sum,
        weeks.impressions_sum,
        cast(weeks.n_rows as bigint) as n_rows,
        weeks.source_file,
        {{ mixloop.input_content_hash() }} as content_hash
    from weeks
    cross join newest
)

select * from input_content
