{%- set whole = mixloop.whole_number_columns('media') -%}
with source_rows as (
    {{ mixloop.read_input('media', as_written=mixloop.media_names(), with_position=false) }}
),

typed as (
    select
        *,
        try_cast(date as date) as typed_date,
        try_cast(spend as decimal(18, 6)) as typed_spend,
        {%- for name in ['impressions', 'clicks', 'reach', 'frequency'] %}
        {{ name if name in whole else 'try_cast(' ~ name ~ ' as decimal(28, 10))' }}
            as typed_{{ name }},
        {%- endfor %}
        try_cast(loaded_at as timestamp) as typed_loaded_at
    from source_rows
),

media_values as (
    select
        {{ mixloop.media_names_as_written() }},
        hash({{ mixloop.media_names_as_written() }}) as series_hash,
        typed_date as activity_date,
        typed_spend as spend,
        typed_impressions as impressions,
        typed_clicks as clicks,
        typed_reach as reach,
        typed_frequency as frequency,
        {{ mixloop.values_are_fine('media', whole) }} as are_values_fine
    from typed
)

select * from media_values
