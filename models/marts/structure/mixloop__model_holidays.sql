with model_holidays as (
    select * from {{ ref('int_mixloop__model_holidays') }}
),

countries as (
    select
        model_id,
        {{ mixloop.slug('label') }} as event_id,
        string_agg(distinct holiday_country, '|' order by holiday_country) as countries
    from {{ ref('int_mixloop__holidays') }}
    where is_known
    group by all
),

final as (
    select
        {{ mixloop.surrogate_key(['model_holidays.model_id', 'model_holidays.event_id']) }}
            as model_holiday_id,
        model_holidays.model_id,
        model_holidays.event_id,
        model_holidays.label,
        countries.countries,
        model_holidays.treatment,
        'event:' || model_holidays.column_event_id as driver_id,
        model_holidays.reason,
        model_holidays.n_training_years,
        model_holidays.n_training_weeks,
        model_holidays.first_date,
        model_holidays.last_date
    from model_holidays
    inner join countries
        on
            model_holidays.model_id = countries.model_id
            and model_holidays.event_id = countries.event_id
)

select * from final
