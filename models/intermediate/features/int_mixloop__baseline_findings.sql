-- one row per thing said about the baseline that cannot be used. Not behind the gate
{{ config(materialized='view') }}
with declared as (
    select * from {{ ref('stg_mixloop__context_variables') }}
    where variable is not null
),

known as (
    select variable
    from {{ ref('stg_mixloop__context') }}
    where variable is not null
    group by variable
),

-- names that look like it, the likest first
close_names as (
    select
        declared.source_row,
        list(
            known.variable
            order by jaro_winkler_similarity(declared.variable, known.variable) desc, known.variable
        ) as names
    from declared
    inner join known
        on jaro_winkler_similarity(lower(declared.variable), lower(known.variable)) > 0.8
    group by declared.source_row
),

unknown_variables as (
    select
        'unknown_context_variable' as check_name,
        'blocking' as severity,
        'context_variables' as input_name,
        declared.source_file,
        declared.source_row,
        'variable' as column_name,
        declared.variable as value,
        'context has no rows of this variable, so what is said of it would have no effect'
            as problem,
        case
            when close_names.source_row is null
                then 'correct the name, bring its values in context, or delete the row'
            else concat(
                'did you mean ', array_to_string(close_names.names[:3], ' or '),
                '? Otherwise bring its values in context, or delete the row'
            )
        end as remedy
    from declared
    left join known
        on declared.variable = known.variable
    left join close_names
        on declared.source_row = close_names.source_row
    where known.variable is null
),

unknown_countries as (
    select
        'unknown_holiday_country' as check_name,
        'blocking' as severity,
        'model_definitions' as input_name,
        source_file,
        source_row,
        'holiday_country' as column_name,
        holiday_country as value,
        'the calendar of holidays has no such country or part of a country' as problem,
        concat(
            case when close_codes != '' then concat('did you mean ', close_codes, '? ') end,
            'Use ISO 3166 codes (DE, or DE-BY for a part), several separated by `|`'
        ) as remedy
    from {{ ref('int_mixloop__holidays') }}
    where not is_known
),

product_weeks as (
    select
        definitions.model_id,
        definitions.source_file,
        definitions.source_row,
        definitions.training_weeks,
        weeks.week,
        weeks.geo,
        weeks.value_sum,
        max(weeks.week) over (partition by definitions.model_id) as last_week
    from {{ ref('stg_mixloop__model_definitions') }} as definitions
    inner join {{ ref('int_mixloop__defined_geos') }} as geos
        on definitions.model_id = geos.model_id
    inner join {{ ref('int_mixloop__input_weeks') }} as weeks
        on
            weeks.input_name = 'outcomes'
            and definitions.kpi = weeks.item
            and geos.geo = weeks.geo
    where definitions.kpi_form = 'multiplicative' and weeks.is_complete
),

-- a log needs a value above zero; the oldest training week without one is named
not_positive as (
    select
        model_id,
        source_file,
        source_row,
        count(*) as n_weeks,
        min(week) as first_week,
        arg_min(geo, (week, geo)) as first_geo,
        arg_min(value_sum, (week, geo)) as first_value
    from product_weeks
    where
        value_sum <= 0
        and (training_weeks is null or week > last_week - 7 * cast(training_weeks as integer))
    group by model_id, source_file, source_row
),

without_logs as (
    select
        'kpi_without_log' as check_name,
        'blocking' as severity,
        'model_definitions' as input_name,
        source_file,
        source_row,
        'kpi_form' as column_name,
        'multiplicative' as value,
        concat(
            'the KPI is zero or below in ', n_weeks, ' weeks, first in the week of ', first_week,
            ' in ', first_geo, ' (', cast(first_value as double), ')'
        ) as problem,
        'set kpi_form to additive, or correct these outcomes' as remedy
    from not_positive
),

findings as (
    select * from unknown_variables
    union all
    select * from without_logs
    union all
    select * from unknown_countries
)

select * from findings
