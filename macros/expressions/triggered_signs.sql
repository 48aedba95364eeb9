{#- Signs of staleness of the newest runs that have been triggered: what the tests of mixloop__staleness warn of.
    A sign that was not measured counts. -#}
{% macro triggered_signs(signals) -%}
with staleness as (
    select * from {{ ref('mixloop__staleness') }}
),

offenders as (
    select
        run_id,
        model_id,
        channel_id,
        signal,
        measured,
        threshold,
        sentence,
        remedy
    from staleness
    where
        is_newest
        and signal in ('{{ signals | join("', '") }}')
        and coalesce(is_triggered, true)
)

select * from offenders
{%- endmacro %}
