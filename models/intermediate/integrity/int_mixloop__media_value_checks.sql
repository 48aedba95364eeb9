-- one row per check x series of the checks whether spend and impressions belong together, and
-- whether all spend is in one currency
with platform_weeks as (
    select * from {{ ref('int_mixloop__platform_weeks') }}
),

suspect_rows as (
    select * from {{ ref('int_mixloop__suspect_rows') }}
),

media_source as (
    select min(source_file) as source_file
    from {{ ref('stg_mixloop__input_columns') }}
    where input_name = 'media'
),

totals as (
    select
        series,
        cast(sum(spend) as double) as spend,
        cast(sum(impressions) as double) as impressions,
        min(week) filter (where n_spend_only > 0) as first_spend_only,
        max(week) filter (where n_spend_only > 0) as last_spend_only,
        min(week) filter (where n_impressions_only > 0) as first_impressions_only,
        max(week) filter (where n_impressions_only > 0) as last_impressions_only
    from platform_weeks
    group by series
),

series as (
    select
        totals.*,
        coalesce(spend_only.n_rows, 0) as n_spend_only,
        spend_only.spend / totals.spend as share_of_spend,
        spend_only.first_rows as spend_only_rows,
        coalesce(impressions_only.n_rows, 0) as n_impressions_only,
        impressions_only.impressions / totals.impressions as share_of_impressions,
        impressions_only.first_rows as impressions_only_rows,
        media_source.source_file
    from totals
    inner join {{ ref('int_mixloop__paired_series') }} as paired
        on totals.series = paired.series
    cross join media_source
    left join suspect_rows as spend_only
        on
            totals.series = spend_only.series
            and spend_only.check_name = 'spend_without_impressions'
    left join suspect_rows as impressions_only
        on
            totals.series = impressions_only.series
            and impressions_only.check_name = 'impressions_without_spend'
),

-- platforms book small corrections without impressions: a share below a thousandth is a note
pair_checks as (
    select
        'spend_without_impressions' as check_name,
        series,
        case
            when n_spend_only = 0 then 'pass'
            when share_of_spend >= 0.001 then 'warn'
            else 'info'
        end as severity,
        share_of_spend as measured,
        0.001 as threshold,
        n_spend_only as n_found,
        first_spend_only as first_week,
        last_spend_only as last_week,
        source_file,
        array_to_string(spend_only_rows, ', ') as source_rows,
        concat(
            n_spend_only, ' row(s) (', printf('%.2f', 100 * share_of_spend),
            '% of spend) with spend and no impressions, in a series that else has both'
        ) as problem,
        'bring the impressions, or check whether the spend is real' as remedy
    from series
    union all
    select
        'impressions_without_spend' as check_name,
        series,
        case
            when n_impressions_only = 0 then 'pass'
            when share_of_impressions >= 0.001 then 'warn'
            else 'info'
        end as severity,
        share_of_impressions as measured,
        0.001 as threshold,
        n_impressions_only as n_found,
        first_impressions_only as first_week,
        last_impressions_only as last_week,
        source_file,
        array_to_string(impressions_only_rows, ', ') as source_rows,
        concat(
            n_impressions_only, ' row(s) (', printf('%.2f', 100 * share_of_impressions),
            '% of impressions) with impressions and no spend, in a series that else has both'
        ) as problem,
        'bring the spend; nothing to do if the space was given for free' as remedy
    from series
),

currencies as (
    select
        currency,
        sum(n_rows) as n_rows,
        sum(spend) as spend,
        min(week) as first_week,
        max(week) as last_week,
        row_number() over (order by sum(n_rows) desc, currency asc) as size_rank
    from platform_weeks
    where currency is not null
    group by currency
),

currency_sums as (
    select
        count(*) as n_currencies,
        cast(sum(n_rows) filter (where size_rank > 1) as bigint) as n_found,
        min(first_week) filter (where size_rank > 1) as first_week,
        max(last_week) filter (where size_rank > 1) as last_week,
        string_agg(
            concat(currency, ' in ', n_rows, ' rows (', cast(spend as decimal(38, 2)), ')'),
            ', '
            order by size_rank
        ) as words
    from currencies
    having count(*) > 0
),

currency_mix as (
    select
        'currency_mix' as check_name,
        'all media' as series,
        case when currency_sums.n_currencies > 1 then 'blocking' else 'pass' end as severity,
        cast(currency_sums.n_currencies as double) as measured,
        1.0 as threshold,
        currency_sums.n_found,
        currency_sums.first_week,
        currency_sums.last_week,
        media_source.source_file,
        array_to_string(suspect_rows.first_rows, ', ') as source_rows,
        concat(
            'media is in several currencies, and their sums mean nothing: ', currency_sums.words
        ) as problem,
        'convert all spend into one currency before loading it' as remedy
    from currency_sums
    cross join media_source
    left join suspect_rows
        on suspect_rows.check_name = 'currency_mix'
),

checks as (
    select * from pair_checks
    union all
    select * from currency_mix
),

media_value_checks as (
    select
        *,
        'media' as input_name
    from checks
)

select * from media_value_checks
