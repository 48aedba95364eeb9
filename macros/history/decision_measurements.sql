{#- What earlier builds measured of decisions, and which runs there were: looked up instead of referenced, because
    evidence made of it goes into the fit that measures. None before the first build. -#}
{% macro decision_measurements() %}
    {%- set relation = mixloop.built_relation('int_mixloop__decision_measurements') -%}
    {%- if relation is not none -%}
    select
        measurement_id,
        decision_id,
        model_id,
        terms_hash,
        measured_by,
        revision,
        as_of_week,
        first_training_week,
        n_training_weeks,
        node_id,
        role,
        geos,
        evidence_ids,
        start_week,
        end_week,
        spend_actual,
        spend_counterfactual,
        window_effect_mean,
        window_effect_sd
    from {{ relation }}
    where {{ mixloop.is_run_known('as_of_week') }}
    {%- else -%}
    select
        cast(null as varchar) as measurement_id,
        cast(null as varchar) as decision_id,
        cast(null as varchar) as model_id,
        cast(null as varchar) as terms_hash,
        cast(null as varchar) as measured_by,
        cast(null as bigint) as revision,
        cast(null as date) as as_of_week,
        cast(null as date) as first_training_week,
        cast(null as bigint) as n_training_weeks,
        cast(null as varchar) as node_id,
        cast(null as varchar) as role,
        cast(null as varchar[]) as geos,
        cast(null as varchar[]) as evidence_ids,
        cast(null as date) as start_week,
        cast(null as date) as end_week,
        cast(null as double) as spend_actual,
        cast(null as double) as spend_counterfactual,
        cast(null as double) as window_effect_mean,
        cast(null as double) as window_effect_sd
    where false
    {%- endif -%}
{% endmacro %}


{#- What the ledger says of approved decisions as they were last entered: looked up instead of referenced, because
    the ledger is made of what becomes of them. None before the first build. -#}
{% macro decisions_on_record() %}
    {%- set relation = mixloop.built_relation('mixloop__ledger') -%}
    {%- if relation is not none -%}
    select
        record_id as decision_id,
        content
    from {{ relation }}
    where
        record_kind = 'decision'
        and coalesce({{ mixloop.is_run_known('as_of_week') }}, true)
        and {{ mixloop.is_approval_known("cast(content ->> '$.approved_on' as date)") }}
    qualify row_number() over (partition by record_id order by revision desc) = 1
    {%- else -%}
    select
        cast(null as varchar) as decision_id,
        cast(null as varchar) as content
    where false
    {%- endif -%}
{% endmacro %}


{#- Whether a decision was approved by the date that this build looks back to. -#}
{% macro is_approval_known(approved_on) -%}
    {%- set day = mixloop.as_of() -%}
    {{ approved_on ~ " <= date '" ~ day ~ "'" if day else 'true' }}
{%- endmacro %}


{#- Runs that earlier builds fitted. -#}
{% macro fitted_runs() %}
    {%- set relation = mixloop.built_relation('int_mixloop__posterior') -%}
    {%- if relation is not none -%}
    select
        run_id,
        max(as_of_week) as as_of_week
    from {{ relation }}
    where {{ mixloop.is_run_known('as_of_week') }}
    group by run_id
    {%- else -%}
    select
        cast(null as varchar) as run_id,
        cast(null as date) as as_of_week
    where false
    {%- endif -%}
{% endmacro %}


{#- The table of a model of this package as earlier builds left it; none before the first one. -#}
{% macro built_relation(name) %}
    {%- if execute -%}
        {%- set node = graph.nodes.get('model.mixloop.' ~ name) -%}
        {%- if node -%}
            {{ return(adapter.get_relation(
                database=node.database, schema=node.schema, identifier=node.alias
            )) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}
