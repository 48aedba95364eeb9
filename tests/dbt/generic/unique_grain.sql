{#- Fails on every combination of the grain columns that appears more than once, and on every row
    in which one of them is null. -#}
{% test unique_grain(model, columns) %}

with grains as (
    select
        {{ columns | join(',\n        ') }},
        count(*) as n_rows
    from {{ model }}
    group by
        {{ columns | join(',\n        ') }}
),

offenders as (
    select *
    from grains
    where
        n_rows > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
)

select * from offenders

{% endtest %}
