-- Every published row still has the fingerprint it was published with: nobody changed it since.
with forecasts as (
    select * from {{ ref('mixloop__forecasts') }}
),

offenders as (
    select
        *,
        {{ mixloop.forecast_content_hash() }} as content_hash_now
    from forecasts
    where content_hash is distinct from {{ mixloop.forecast_content_hash() }}
)

select * from offenders
