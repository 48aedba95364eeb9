with source_rows as (
    {{ mixloop.read_input('channel_priors') }}
),

typed as (
    select
        model_id,
        channel_id,
        try_cast(share_of_kpi as decimal(28, 10)) as share_of_kpi,
        try_cast(roi_low as decimal(28, 10)) as roi_low,
        try_cast(roi_high as decimal(28, 10)) as roi_high,
        try_cast(half_life_low_weeks as decimal(28, 10)) as half_life_low_weeks,
        try_cast(half_life_high_weeks as decimal(28, 10)) as half_life_high_weeks,
        try_cast(saturation_low as decimal(28, 10)) as saturation_low,
        try_cast(saturation_high as decimal(28, 10)) as saturation_high,
        try_cast(drift_per_year as decimal(28, 10)) as drift_per_year,
        try_cast(half_frequency_low as decimal(28, 10)) as half_frequency_low,
        try_cast(half_frequency_high as decimal(28, 10)) as half_frequency_high,
        lower(media_unit) as media_unit,
        source_file,
        source_row,
        {{ mixloop.input_errors('channel_priors') }} as input_errors
    from source_rows
)

select * from typed
