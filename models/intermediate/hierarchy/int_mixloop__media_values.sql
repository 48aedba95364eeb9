-- one row per row of the media input, without its position: what sums are made from. Rows of a
-- client folder come from the table that keeps them; a warehouse relation is read in place, on all
-- cores, which counting its rows would prevent. Not behind the gate
{{ config(materialized='view') }}
{%- set from_files = env_var('MIXLOOP_CLIENT', '') != '' %}
{%- set rows_name = 'int_mixloop__media_facts' if from_files else 'stg_mixloop__media_values' %}
with media as (
    select * from {{ ref(rows_name) }}
),

media_values as (
    select
        series_hash,
        {{ mixloop.media_names_as_written() }},
        activity_date,
        spend,
        impressions,
        clicks,
        {{ mixloop.people_reached() }} as reach,
        {{ mixloop.contacts() }} as contacts,
        {{ mixloop.is_odd_reach() }} as is_odd_reach,
        {{ 'len(input_errors) = 0' if from_files else 'are_values_fine' }} as are_values_fine
    from media
)

select * from media_values
