-- one row per combination of names, geo and currency that the media input has ever shown, as it is
-- written and as it is read. Texts are trimmed here, once a series, not once a row
with media_values as (
    select * from {{ ref('int_mixloop__media_values') }}
),

written as (
    select {{ mixloop.media_names_as_written() }}
    from media_values
    group by all
),

trimmed as (
    select
        *,
        hash({{ mixloop.media_names_as_written() }}) as series_hash,
        {%- for name in mixloop.match_fields() %}
        {{ mixloop.text_or_null(name ~ '_as_written') }} as {{ name }},
        {%- endfor %}
        coalesce({{ mixloop.text_or_null('geo_as_written') }}, 'national') as geo,
        upper({{ mixloop.text_or_null('currency_as_written') }}) as currency
    from written
),

keyed as (
    select
        *,
        {{ mixloop.line_item_key() }} as line_item_id
    from trimmed
),

series as (
    select
        cast(row_number() over (
            order by line_item_id, geo, currency, {{ mixloop.media_names_as_written() }}
        ) as integer) as series_number,
        cast(dense_rank() over (order by line_item_id) as integer) as line_item_number,
        *
    from keyed
)

select * from series
