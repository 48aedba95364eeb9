-- one row per mapping rule; a model, because the rules follow from Acme's naming convention
with channels as (
    select * from {{ ref('acme_channels') }}
    where is_modelled = 'true'
),

rules as (
    select
        10 * row_number() over (order by channel_id) as priority,
        'campaign' as match_field,
        'prefix' as match_type,
        channel_id || '_' as pattern,
        channel_id
    from channels
)

select * from rules
