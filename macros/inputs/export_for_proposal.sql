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
    {%- set written = mixloop.text_literal(folder ~ '/media_weeks.parquet') -%}
    {%- do run_query(
        'copy (' ~ mixloop.proposal_media_weeks() ~ ') to ' ~ written ~ ' (format parquet)'
    ) -%}
    {%- set exports = {
        'line_items': mixloop.proposal_line_items(written),
        'kpis': mixloop.proposal_kpis(),
        'geos': mixloop.proposal_geos(written),
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


{#-
    One row per names and geo as they are written x week: the one pass over the rows. Names are
    trimmed after it, once a name. week_number counts from the week of 1970-01-05; dates are those
    of rows with media.
-#}
{% macro proposal_media_weeks() %}
    {%- set names = mixloop.match_fields() + ['geo'] -%}
    with media as (
        {{ mixloop.read_input('media', as_written=names) }}
    ),

    typed as (
        select
            {{ names | join('_as_written, ') }}_as_written,
            try_cast(date as date) as activity_date,
            coalesce(try_cast(spend as decimal(18, 6)), 0) as spend,
            coalesce(try_cast(impressions as bigint), 0) as impressions
        from media
    ),

    media_weeks as (
        select
            {{ names | join('_as_written, ') }}_as_written,
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
    )

    select * from media_weeks
{% endmacro %}


{#- One row per line item, `weeks` being those with media; from the file of proposal_media_weeks. -#}
{% macro proposal_line_items(written) %}
    {%- set names = mixloop.match_fields() | join(', ') -%}
    with media_weeks as (
        select * from read_parquet({{ written }})
    ),

    named as (
        select
        {%- for name in mixloop.match_fields() %}
            {{ mixloop.text_or_null(name ~ '_as_written') }} as {{ name }},
        {%- endfor %}
            * exclude ({{ mixloop.match_fields() | join('_as_written, ') }}_as_written)
        from media_weeks
    ),

    item_weeks as (
        select
            {{ names }},
            week_number,
            min(first_date) as first_date,
            max(last_date) as last_date,
            sum(n_rows) as n_rows,
            sum(spend) as spend,
            sum(impressions) as impressions
        from named
        group by {{ names }}, week_number
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
{% macro proposal_geos(written) %}
    with media_weeks as (
        select * from read_parquet({{ written }})
    ),

    outcomes as (
        {{ mixloop.read_input('outcomes') }}
    ),

    media_geos as (
        select geo_as_written
        from media_weeks
        group by geo_as_written
    ),

    named as (
        select {{ mixloop.text_or_null('geo_as_written') }} as geo
        from media_geos
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
