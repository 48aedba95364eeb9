-- one row per input x series x week of media, outcomes and context: what was brought, as sums.
-- Not behind the gate
with media_source as (
    select min(source_file) as source_file
    from {{ ref('stg_mixloop__input_columns') }}
    where input_name = 'media'
),

media_weeks as (
    select
        'media' as input_name,
        platform_weeks.series,
        min(platform_weeks.platform) as item,
        min(platform_weeks.geo) as geo,
        platform_weeks.week,
        cast(sum(platform_weeks.spend) as decimal(38, 10)) as value_sum,
        cast(sum(platform_weeks.impressions) as decimal(38, 10)) as impressions_sum,
        cast(sum(platform_weeks.n_rows) as bigint) as n_rows,
        sum(platform_weeks.n_bad_rows) = 0 as is_readable,
        cast(bit_or(platform_weeks.day_bits) as integer) as day_bits,
        bit_count(bit_or(platform_weeks.day_bits)) as n_days,
        min(platform_weeks.first_date) as first_date,
        max(platform_weeks.last_date) as last_date,
        cast(null as bigint[]) as first_rows,
        min(media_source.source_file) as source_file
    from {{ ref('int_mixloop__platform_weeks') }} as platform_weeks
    cross join media_source
    group by platform_weeks.series, platform_weeks.week
),

-- a date that was loaded again later counts once: the newest load
outcome_rows as (
    select
        'outcomes' as input_name,
        kpi as item,
        geo,
        outcome_date as date,
        outcome as value,
        source_file,
        source_row,
        len(input_errors) = 0
        and count(*) over (partition by kpi, geo, outcome_date, loaded_at) = 1 as is_readable
    from {{ ref('stg_mixloop__outcomes') }}
    where year(outcome_date) between 1970 and 2100
    qualify row_number() over (
        partition by kpi, geo, outcome_date order by loaded_at desc nulls last, source_row desc
    ) = 1
),

context_rows as (
    select
        'context' as input_name,
        variable as item,
        geo,
        context_date as date,
        value,
        source_file,
        source_row,
        len(input_errors) = 0
        and count(*) over (partition by variable, geo, context_date, loaded_at) = 1 as is_readable
    from {{ ref('stg_mixloop__context') }}
    where year(context_date) between 1970 and 2100
    qualify row_number() over (
        partition by variable, geo, context_date
        order by loaded_at desc nulls last, source_row desc
    ) = 1
),

value_rows as (
    select * from outcome_rows
    union all
    select * from context_rows
),

value_weeks as (
    select
        input_name,
        concat(coalesce(item, '(no name)'), ' in ', geo) as series,
        min(item) as item,
        min(geo) as geo,
        {{ mixloop.week_start('date') }} as week,
        cast(coalesce(sum(value), 0) as decimal(38, 10)) as value_sum,
        cast(null as decimal(38, 10)) as impressions_sum,
        count(*) as n_rows,
        bool_and(is_readable) as is_readable,
        cast(null as integer) as day_bits,
        count(*) as n_days,
        min(date) as first_date,
        max(date) as last_date,
        min(source_row, 5) as first_rows,
        min(source_file) as source_file
    from value_rows
    group by all
),

weeks as (
    select * from media_weeks
    union all
    select * from value_weeks
),

series as (
    select
        input_name,
        series,
        max(n_days) > 1 as is_daily,
        min(week) as first_week,
        max(week) as last_week
    from weeks
    group by input_name, series
),

-- the newest week of a daily series may still be growing, the oldest be cut off; a week with a cell
-- that cannot be read, or a key that is there twice, has findings of its own
input_weeks as (
    select
        weeks.input_name,
        weeks.series,
        weeks.item,
        weeks.geo,
        weeks.week,
        weeks.value_sum,
        weeks.impressions_sum,
        weeks.n_rows,
        weeks.day_bits,
        weeks.n_days,
        weeks.first_date,
        weeks.last_date,
        weeks.first_rows,
        weeks.source_file,
        series.is_daily,
        series.first_week,
        series.last_week,
        weeks.is_readable
        and (
            not series.is_daily
            or (
                (weeks.week < series.last_week or weeks.last_date >= weeks.week + 6)
                and (weeks.week > series.first_week or weeks.first_date = weeks.week)
            )
        ) as is_complete
    from weeks
    inner join series
        on
            weeks.input_name = series.input_name
            and weeks.series = series.series
)

select * from input_weeks
