-- What this build forecasts live is what the ledger last said: same rows, same expected values.
with forecasts as (
    select * from {{ ref('int_mixloop__forecasts') }}
    where forecast_kind = 'live'
),

published as (
    select * from {{ ref('int_mixloop__published_forecasts') }}
),

offenders as (
    select
        forecasts.run_id,
        forecasts.plan_id,
        forecasts.geo,
        forecasts.week,
        forecasts.component_id,
        forecasts.forecast_mean,
        published.forecast_mean as published_mean
    from forecasts
    left join published
        on
            forecasts.run_id = published.run_id
            and forecasts.plan_id = published.plan_id
            and forecasts.geo = published.geo
            and forecasts.week = published.week
            and forecasts.component_id = published.component_id
    where
        not coalesce(isfinite(forecasts.forecast_mean - published.forecast_mean), false)
        or not coalesce(
            abs(forecasts.forecast_mean - published.forecast_mean)
            <= 1e-6 * greatest(abs(forecasts.forecast_mean), abs(published.forecast_mean)),
            false
        )
)

select * from offenders
