with source_rows as (
    {{ mixloop.read_input('media', as_written=mixloop.media_names()) }}
),

typed as (
    select
        try_cast(date as date) as activity_date,
        platform,
        account,
        campaign,
        ad_group,
        line_item,
        coalesce(geo, 'national') as geo,
        try_cast(spend as decimal(18, 6)) as spend,
        try_cast(impressions as decimal(28, 10)) as impressions,
        try_cast(clicks as decimal(28, 10)) as clicks,
        try_cast(reach as decimal(28, 10)) as reach,
        try_cast(frequency as decimal(28, 10)) as frequency,
        upper(currency) as currency,
        try_cast(loaded_at as timestamp) as loaded_at,
        {{ mixloop.media_names_as_written() }},
        source_file,
        source_row,
        {{ mixloop.input_errors('media') }} as input_errors
    from source_rows
)

select * from typed
