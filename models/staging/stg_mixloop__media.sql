with source_rows as (
    {{ mixloop.read_input('media', as_written=mixloop.media_names()) }}
),

typed as (
    select
        *,
        try_cast(date as date) as typed_date,
        try_cast(spend as decimal(18, 6)) as typed_spend,
        try_cast(impressions as decimal(28, 10)) as typed_impressions,
        try_cast(clicks as decimal(28, 10)) as typed_clicks,
        try_cast(reach as decimal(28, 10)) as typed_reach,
        try_cast(frequency as decimal(28, 10)) as typed_frequency,
        try_cast(loaded_at as timestamp) as typed_loaded_at
    from source_rows
),

checked as (
    select
        typed_date as activity_date,
        platform,
        account,
        campaign,
        ad_group,
        line_item,
        coalesce(geo, 'national') as geo,
        typed_spend as spend,
        typed_impressions as impressions,
        typed_clicks as clicks,
        typed_reach as reach,
        typed_frequency as frequency,
        upper(currency) as currency,
        typed_loaded_at as loaded_at,
        {{ mixloop.media_names_as_written() }},
        source_file,
        source_row,
        {{ mixloop.values_are_fine('media') }} as are_values_fine,
        {{ mixloop.input_errors('media') }} as input_errors
    from typed
)

select * from checked
