{#- Fingerprint of what a forecast row promised. Written once, when the row is published; a test computes it
    again from the stored row, so a row that was changed by hand afterwards is found. -#}
{% macro forecast_content_hash() -%}
    {%- set promised = [
        'run_id', 'plan_id', 'revision', 'geo', 'week', 'component_id', 'planned_value', 'planned_spend',
        'forecast_mean', 'forecast_p05', 'forecast_p50', 'forecast_p95',
    ] -%}
    case
        when planned_frequency is null then {{ mixloop.surrogate_key(promised) }}
        else {{ mixloop.surrogate_key(promised + ['planned_frequency']) }}
    end
{%- endmacro %}
