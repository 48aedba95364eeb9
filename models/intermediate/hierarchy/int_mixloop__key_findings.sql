-- one row per row that repeats the key of an earlier row of its input, and per reserved name.
-- Rows that differ in loaded_at are restatements, not repetitions
{%- set keys = {
    'outcomes': ['kpi', 'geo', 'outcome_date', 'loaded_at'],
    'context': ['variable', 'geo', 'context_date', 'loaded_at'],
    'plan': ['plan_id', 'channel_id', 'geo', 'week', 'loaded_at'],
    'plan_context': ['plan_id', 'variable', 'geo', 'week', 'loaded_at'],
    'finance': ['platform', 'month', 'loaded_at'],
    'channel_hierarchy': ['hierarchy_id', 'channel_id'],
    'model_definitions': ['model_id'],
    'channel_priors': ['model_id', 'channel_id'],
    'events': ['event_id', 'geo', 'event_date'],
    'experiments': ['experiment_id'],
    'goals': ['goal_id'],
    'decisions': ['decision_id'],
    'feasibility_answers': ['model_id', 'channel_id'],
    'open_questions': ['question_id'],
    'overrides': ['check_name', 'series'],
    'context_variables': ['model_id', 'variable'],
} %}
{%- set with_geo = ['media', 'outcomes', 'context', 'plan', 'plan_context', 'events'] %}
with numbered as (
    {%- for name, columns in keys.items() %}
    select
        '{{ name }}' as input_name,
        source_file,
        source_row,
        '{{ columns | reject("equalto", "loaded_at") | join(" x ") }}' as key_name,
        concat_ws(' x ', {{ columns | reject('equalto', 'loaded_at') | join(', ') }}) as key_value,
        row_number() over {{ name }}_key as occurrence,
        first_value(source_row) over {{ name }}_key as first_row,
        {%- if name == 'channel_hierarchy' %}
        parent_id,
        first_value(parent_id) over {{ name }}_key as first_parent_id,
        {%- else %}
        cast(null as varchar) as parent_id,
        cast(null as varchar) as first_parent_id,
        {%- endif %}
        {{ ('loaded_at' in columns) | lower }} as can_be_restated
    from {{ ref('stg_mixloop__' ~ name) }}
    window {{ name }}_key as (partition by {{ columns | join(', ') }} order by source_row)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

repeated_keys as (
    select
        'repeated_key' as check_name,
        'blocking' as severity,
        input_name,
        source_file,
        source_row,
        key_name as column_name,
        key_value as value,
        concat(
            'row ', source_row, ' repeats the ', key_name, ' of row ', first_row,
            case
                when parent_id is distinct from first_parent_id
                    then concat(
                        ': two parents, ', coalesce(first_parent_id, 'none'), ' and ',
                        coalesce(parent_id, 'none')
                    )
            end
        ) as problem,
        case
            when can_be_restated
                then 'delete one of the two rows; a correction needs its own loaded_at in both'
            else 'delete one of the two rows'
        end as remedy
    from numbered
    where occurrence > 1
),

geos as (
    {%- for name in with_geo %}
    select
        '{{ name }}' as input_name,
        geo,
        min(source_file) as source_file,
        min(source_row) as source_row,
        count(*) as n_rows
    from {{ ref('int_mixloop__media_rows' if name == 'media' else 'stg_mixloop__' ~ name) }}
    where lower(geo) = 'all'
    group by geo
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

reserved_geos as (
    select
        'reserved_geo' as check_name,
        'blocking' as severity,
        input_name,
        source_file,
        source_row,
        'geo' as column_name,
        geo as value,
        concat('the geo `all` is reserved for totals over geos (', n_rows, ' rows)') as problem,
        'name the geo otherwise; leave it empty for the whole country' as remedy
    from geos
),

findings as (
    select * from repeated_keys
    union all
    select * from reserved_geos
)

select * from findings
