-- one row per media series x part of a week: media summed. The one pass over all rows that every
-- later sum is made from, so it does as little as can be for each of them. Not behind the gate
with media_values as (
    select * from {{ ref('int_mixloop__media_values') }}
),

series as (
    select * from {{ ref('int_mixloop__media_series') }}
),

days as (
    select * from {{ ref('int_mixloop__media_days') }}
),

parts as (
    select
        media_values.series_hash,
        -- rows whose date cannot be read have no week; they are blocking findings
        coalesce(days.part_start, date '0001-01-01') as part_start,
        cast(bit_or(days.day_bit) as integer) as day_bits,
        count(*) as n_rows,
        count(*) filter (where not media_values.are_values_fine) as n_bad_rows,
        sum(media_values.spend) as spend,
        cast(sum(media_values.impressions) as decimal(38, 10)) as impressions,
        cast(sum(media_values.clicks) as decimal(38, 10)) as clicks,
        count(*) filter (
            where media_values.spend > 0 and coalesce(media_values.impressions, 0) = 0
        ) as n_spend_only,
        count(*) filter (
            where media_values.impressions > 0 and coalesce(media_values.spend, 0) = 0
        ) as n_impressions_only,
        -- people of different rows may be the same ones: the largest row is what is certain
        max(media_values.reach) as reach,
        cast(sum(media_values.contacts) as decimal(38, 4)) as contacts,
        count(media_values.reach) as n_reach,
        count(*) filter (
            where media_values.reach is null
            and (media_values.spend > 0 or media_values.impressions > 0)
        ) as n_without_reach,
        count(*) filter (where media_values.is_odd_reach) as n_odd_reach
    from media_values
    left join days
        on media_values.activity_date = days.activity_date
    group by media_values.series_hash, coalesce(days.part_start, date '0001-01-01')
),

weeks as (
    select
        series.series_number,
        parts.part_start,
        parts.day_bits,
        parts.n_rows,
        parts.n_bad_rows,
        parts.spend,
        parts.impressions,
        parts.clicks,
        parts.n_spend_only,
        parts.n_impressions_only,
        parts.reach,
        parts.contacts,
        parts.n_reach,
        parts.n_without_reach,
        parts.n_odd_reach,
        case
            when parts.day_bits is not null then {{ mixloop.week_start('parts.part_start') }}
        end as week
    from parts
    inner join series
        on parts.series_hash = series.series_hash
),

series_weeks as (
    select
        series_number,
        part_start,
        week,
        -- the lowest and the highest of the seven bits
        week + cast(bit_count((day_bits & -day_bits) - 1) as integer) as first_date,
        week + cast(floor(log2(day_bits)) as integer) as last_date,
        day_bits,
        n_rows,
        n_bad_rows,
        spend,
        impressions,
        clicks,
        n_spend_only,
        n_impressions_only,
        reach,
        contacts,
        n_reach,
        n_without_reach,
        n_odd_reach
    from weeks
)

select * from series_weeks
