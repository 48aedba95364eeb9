{#-
    Writes what `make propose` drafts from into a folder, as Parquet files: the line items with their
    spend and active weeks, the KPIs, the geos, and what was found where. The inputs are read through
    read_input, and DuckDB adds the rows up: none of them leaves it. Needs media alone; nothing is
    written to the warehouse.
    dbt run-operation export_for_proposal --args '{folder: /some/folder}'
-#}
{% macro export_for_proposal(folder) %}
    {%- for name in ['media', 'outcomes'] -%}
        {%- set facts = mixloop.proposal_facts(name) -%}
        {%- do run_query(
            'copy (' ~ facts ~ ') to ' ~ mixloop.text_literal(folder ~ '/' ~ name ~ '_facts.parquet')
            ~ ' (format parquet)'
        ) -%}
    {%- endfor -%}
    {%- set exports = {
        'line_items': mixloop.proposal_line_items(),
        'kpis': mixloop.proposal_kpis(),
        'geos': mixloop.proposal_geos(),
    } -%}
    {%- for name, query in exports.items() -%}
        {%- do run_query(
            'copy (' ~ query ~ ') to ' ~ mixloop.text_literal(folder ~ '/' ~ name ~ '.parquet')
            ~ ' (format parquet)'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{#- One row: where an input is, which of its required columns are missing, and the thresholds. -#}
{% macro proposal_facts(name) %}
    {%- set located = mixloop.locate_input(name) -%}
    {%- set missing = [] -%}
    {%- for column in mixloop.input_contract(name).columns
        if column.is_required and located.state == 'found'
        and mixloop.find_input_column(located, column) is none -%}
        {%- do missing.append(([column.name] + column.aliases) | join(' or ')) -%}
    {%- endfor -%}
    select
        {{ mixloop.text_literal(located.state) }} as state,
        {{ mixloop.text_literal(located.looked_for) }} as looked_for,
        {{ mixloop.text_literal(missing | join('; ')) }} as missing_columns,
        cast({{ var('mixloop__min_active_weeks') | int }} as bigint) as min_active_weeks,
        cast({{ var('mixloop__min_share_of_spend') | float }} as double) as min_share_of_spend,
        cast({{ var('mixloop__rows_per_column_warn') | int }} as bigint) as weeks_per_channel
{% endmacro %}


{#- One row per line item; weeks counts from the Monday of 1970-01-05, weeks with media only. -#}
{% macro proposal_line_items() %}
    {%- set names = mixloop.match_fields() | join(', ') -%}
    with media as (
        {{ mixloop.read_input('media') }}
    ),

    typed as (
        select
            {{ names }},
            try_cast(date as date) as activity_date,
            coalesce(try_cast(spend as decimal(18, 6)), 0) as spend,
            coalesce(try_cast(impressions as decimal(28, 10)), 0) as impressions
        from media
    ),

    item_weeks as (
        select
            {{ names }},
            (
                {{ mixloop.week_start('activity_date') }}
                - {{ mixloop.week_start("date '1970-01-05'") }}
            ) // 7 as week_number,
            min(activity_date) filter (where spend > 0 or impressions > 0) as first_date,
            max(activity_date) filter (where spend > 0 or impressions > 0) as last_date,
            count(*) as n_rows,
            sum(spend) as spend,
            sum(impressions) as impressions
        from typed
        group by all
    ),

    line_items as (
        select
            {{ names }},
            min(first_date) as first_date,
            max(last_date) as last_date,
            cast(sum(n_rows) as bigint) as n_rows,
            cast(sum(spend) as double) as spend,
            cast(sum(impressions) as double) as impressions,
            coalesce(
                list(cast(week_number as integer) order by week_number)
                    filter (where spend > 0 or impressions > 0),
                []
            ) as weeks
        from item_weeks
        group by {{ names }}
    )

    select * from line_items
    order by {{ names }}
{% endmacro %}


{#- One row per KPI of the outcomes. -#}
{% macro proposal_kpis() %}
    with outcomes as (
        {{ mixloop.read_input('outcomes') }}
    ),

    typed as (
        select
            kpi,
            try_cast(date as date) as outcome_date
        from outcomes
        where kpi is not null
    ),

    kpis as (
        select
            kpi,
            min(outcome_date) as first_date,
            max(outcome_date) as last_date,
            count(distinct {{ mixloop.week_start('outcome_date') }}) as n_weeks
        from typed
        group by kpi
    )

    select * from kpis
    order by kpi
{% endmacro %}


{#- One row per geo that media or outcomes name. -#}
{% macro proposal_geos() %}
    with media as (
        {{ mixloop.read_input('media') }}
    ),

    outcomes as (
        {{ mixloop.read_input('outcomes') }}
    ),

    named as (
        select geo from media
        union all
        select geo from outcomes
    ),

    geos as (
        select geo
        from named
        where geo is not null
        group by geo
    )

    select * from geos
    order by geo
    limit 5000
{% endmacro %}
