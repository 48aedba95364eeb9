-- one row per media series in which spend and impressions come together: nine rows of ten with
-- either have both
{{ config(materialized='view') }}
with paired_series as (
    select series
    from {{ ref('int_mixloop__platform_weeks') }}
    group by series
    having
        sum(spend) > 0
        and sum(impressions) > 0
        and sum(n_rows - n_spend_only - n_impressions_only) >= 26
        and sum(n_rows) >= 10 * sum(n_spend_only + n_impressions_only)
)

select * from paired_series
