{%- set parts = ['structure', 'data', 'plan', 'push_back'] %}
with requirements as (
    {%- for part in parts %}
    select
        model_id,
        '{{ part }}' as area,
        requirement,
        position,
        needs,
        got,
        status,
        next_step
    from {{ ref('int_mixloop__' ~ part ~ '_requirements') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        {{ mixloop.surrogate_key(['model_id', 'requirement']) }} as model_requirement_id,
        model_id,
        area,
        requirement,
        cast(position as integer) as position,
        needs,
        got,
        status,
        case when status != 'ok' then next_step end as next_step,
        concat(
            needs, '. ', got, '.',
            case when status != 'ok' then concat(' To do: ', next_step, '.') else '' end
        ) as sentence
    from requirements
)

select * from final
