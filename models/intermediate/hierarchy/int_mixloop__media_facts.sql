-- one row per row of the media input, names as they are written. Not behind the gate.
-- Files of a client folder are read once, here, because text is slow to read and files move;
-- a warehouse relation is read in place.
{{ config(materialized='table' if env_var('MIXLOOP_CLIENT', '') else 'view') }}
with media as (
    select * from {{ ref('stg_mixloop__media') }}
),

facts as (
    select
        hash({{ mixloop.media_names_as_written() }}) as series_hash,
        {{ mixloop.media_names_as_written() }},
        activity_date,
        spend,
        impressions,
        clicks,
        reach,
        frequency,
        loaded_at,
        source_file,
        source_row,
        input_errors
    from media
)

select * from facts
