-- one row per lift test or prior that cannot be used as it is written
{{ config(materialized='view') }}
{%- set ranges = {
    'roi': ('roi_low', 'roi_high'),
    'half-life': ('half_life_low_weeks', 'half_life_high_weeks'),
    'saturation': ('saturation_low', 'saturation_high'),
    'half frequency': ('half_frequency_low', 'half_frequency_high'),
} %}
with experiments as (
    select * from {{ ref('stg_mixloop__experiments') }}
),

priors as (
    select * from {{ ref('stg_mixloop__channel_priors') }}
),

definitions as (
    select * from {{ ref('stg_mixloop__model_definitions') }}
    where model_id is not null
),

kpis as (
    select kpi
    from {{ ref('stg_mixloop__outcomes') }}
    group by kpi
),

model_kpis as (
    select
        count(distinct kpi) as n_kpis,
        string_agg(distinct kpi, ', ' order by kpi) as kpis
    from definitions
),

model_geos as (
    select geo
    from {{ ref('int_mixloop__defined_geos') }}
    group by geo
),

channels as (
    select
        channel_id,
        max(spend) as spend
    from {{ ref('int_mixloop__defined_channels') }}
    group by channel_id
),

experiment_geos as (
    select
        experiment_id,
        source_file,
        source_row,
        {{ mixloop.trimmed("unnest(string_split(geos, ';'))") }} as geo
    from experiments
    where geos is not null
),

unknown_kpis as (
    select
        'unknown_kpi' as check_name,
        'blocking' as severity,
        'experiments' as input_name,
        experiments.source_file,
        experiments.source_row,
        'kpi' as column_name,
        experiments.kpi as value,
        'outcomes has no rows of this KPI' as problem,
        'correct the name, or bring its outcomes' as remedy
    from experiments
    left join kpis
        on experiments.kpi = kpis.kpi
    where experiments.kpi is not null and kpis.kpi is null
),

unnamed_kpis as (
    select
        'experiment_without_kpi' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        experiments.source_file,
        experiments.source_row,
        'kpi' as column_name,
        experiments.experiment_id as value,
        concat('there are models of several KPIs (', model_kpis.kpis, '): ')
        || 'the test counts in none, because it does not say whose lift it is' as problem,
        'fill in kpi' as remedy
    from experiments
    cross join model_kpis
    where experiments.kpi is null and model_kpis.n_kpis > 1
),

reversed_weeks as (
    select
        'experiment_weeks_reversed' as check_name,
        'blocking' as severity,
        'experiments' as input_name,
        source_file,
        source_row,
        'end_week' as column_name,
        cast(end_week as varchar) as value,
        concat('the test ends before it starts on ', start_week) as problem,
        'correct start_week or end_week' as remedy
    from experiments
    where end_week < start_week
),

certain as (
    select
        'experiment_without_error' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        source_file,
        source_row,
        'standard_error' as column_name,
        {{ mixloop.plain_number('standard_error') }} as value,
        'no measurement is without error, so the test counts in no model' as problem,
        'fill in the standard error of the lift' as remedy
    from experiments
    where standard_error = 0
),

without_change as (
    select
        'experiment_without_spend_change' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        source_file,
        source_row,
        'spend_counterfactual' as column_name,
        {{ mixloop.plain_number('spend_counterfactual') }} as value,
        case
            when spend_counterfactual is null
                then 'it is not known what would have been spent without the test'
            else 'the test did not change the spend'
        end
        || ', so it counts in no model' as problem,
        'fill in what was spent and what would have been' as remedy
    from experiments
    where spend_counterfactual is null or spend_actual = spend_counterfactual
),

geo_lists as (
    select
        *,
        list_transform(string_split(geos, ';'), lambda x: {{ mixloop.trimmed('x') }}) as geo_list
    from experiments
),

overlapping as (
    select
        'experiment_overlap' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        later.source_file,
        later.source_row,
        'start_week' as column_name,
        cast(later.start_week as varchar) as value,
        concat(
            'it is about ', later.channel_id, ' in weeks and geos of the test ',
            earlier.experiment_id, ': both count, as if each had data of its own'
        ) as problem,
        'keep one of them, or give both larger errors (1.4 times, where they say the same twice)'
            as remedy
    from geo_lists as later
    inner join geo_lists as earlier
        on
            later.channel_id = earlier.channel_id
            and coalesce(later.kpi, '') = coalesce(earlier.kpi, '')
            and later.start_week <= earlier.end_week
            and {{ mixloop.is_told_of_two('later', 'earlier') }}
),

unknown_geos as (
    select
        'experiment_geo_without_model' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        experiment_geos.source_file,
        experiment_geos.source_row,
        'geos' as column_name,
        experiment_geos.geo as value,
        'no model covers this geo, so the test counts in none' as problem,
        'use the geo names of outcomes, separated by `;`, or leave geos empty for all' as remedy
    from experiment_geos
    left join model_geos
        on experiment_geos.geo = model_geos.geo
    where experiment_geos.geo != '' and model_geos.geo is null
),

other_channels as (
    select
        'experiment_channel_not_modelled' as check_name,
        'warn' as severity,
        'experiments' as input_name,
        experiments.source_file,
        experiments.source_row,
        'channel_id' as column_name,
        experiments.channel_id as value,
        'the channel is not estimated by itself, so the test counts in no model' as problem,
        'set is_modelled on the channel, or give the lift of the modelled channel' as remedy
    from experiments
    left join channels
        on experiments.channel_id = channels.channel_id
    where experiments.channel_id is not null and channels.channel_id is null
),

ranges as (
    {%- for name, (low, high) in ranges.items() %}
    select
        '{{ name }}' as quantity,
        '{{ low }}' as low_name,
        '{{ high }}' as high_name,
        source_file,
        source_row,
        channel_id,
        {{ low }} as low,
        {{ high }} as high
    from priors
    where {{ low }} is not null or {{ high }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

half_ranges as (
    select
        'prior_range_incomplete' as check_name,
        'blocking' as severity,
        'channel_priors' as input_name,
        source_file,
        source_row,
        case when low is null then low_name else high_name end as column_name,
        cast(null as varchar) as value,
        concat('the range of ', quantity, ' of ', channel_id, ' has only one end') as problem,
        concat('fill in ', low_name, ' and ', high_name, ', or neither') as remedy
    from ranges
    where low is null or high is null
),

reversed_ranges as (
    select
        'prior_range_reversed' as check_name,
        'blocking' as severity,
        'channel_priors' as input_name,
        source_file,
        source_row,
        high_name as column_name,
        {{ mixloop.plain_number('high') }} as value,
        concat(
            'the range of ', quantity, ' of ', channel_id, ' goes from ',
            {{ mixloop.plain_number('low') }}, ' to ', {{ mixloop.plain_number('high') }}
        ) as problem,
        'give the 5% and the 95% end; they must differ, because nothing is known for certain'
            as remedy
    from ranges
    where low >= high
),

impossible_ends as (
    select
        'prior_range_impossible' as check_name,
        'blocking' as severity,
        'channel_priors' as input_name,
        source_file,
        source_row,
        case when low <= 0 then low_name else high_name end as column_name,
        {{ mixloop.plain_number('case when low <= 0 then low else high end') }} as value,
        case
            when quantity = 'half-life' then 'a half-life is above zero'
            when quantity = 'half frequency' then 'a frequency is above zero'
            else 'a saturation is above 0 and below 1'
        end as problem,
        case
            when quantity = 'half frequency'
                then 'correct the end: contacts per person a week at half of the full effect'
            when quantity = 'saturation'
                then 'correct the end: share of the full effect that the largest week reaches'
            else 'correct the end; 0.5 is the half-life of what works in the same week only'
        end as remedy
    from ranges
    where
        (quantity != 'roi' and low <= 0)
        or (quantity = 'saturation' and high >= 1)
),

slow_beliefs as (
    select
        'prior_beyond_carryover' as check_name,
        'warn' as severity,
        'channel_priors' as input_name,
        source_file,
        source_row,
        low_name as column_name,
        {{ mixloop.plain_number('low') }} as value,
        'the model looks {{ var("mixloop__carryover_weeks") }} weeks back, so no half-life is that '
        || 'long' as problem,
        'raise the var mixloop__carryover_weeks, or lower the range' as remedy
    from ranges
    where
        quantity = 'half-life' and low < high and low > {{ var('mixloop__carryover_weeks') }}
),

shares as (
    select
        model_id,
        max(source_file) as source_file,
        max(source_row) filter (where share_of_kpi > 0) as source_row,
        max(share_of_kpi) as largest_share,
        sum(share_of_kpi) as share_of_kpi
    from priors
    group by model_id
),

too_much_together as (
    select
        'prior_shares_above_one' as check_name,
        'warn' as severity,
        'channel_priors' as input_name,
        source_file,
        source_row,
        'share_of_kpi' as column_name,
        {{ mixloop.plain_number('share_of_kpi') }} as value,
        'the channels of ' || coalesce('model ' || model_id, 'the rows for all models')
        || ' are believed to bring more than the whole KPI together' as problem,
        'share_of_kpi is a share of the KPI (0.05), not of all media: lower it' as remedy
    from shares
    where share_of_kpi > 1 and largest_share <= 1
),

unused_priors as (
    select
        'prior_channel_not_modelled' as check_name,
        'warn' as severity,
        'channel_priors' as input_name,
        priors.source_file,
        priors.source_row,
        'channel_id' as column_name,
        priors.channel_id as value,
        'the channel is not estimated, so nothing uses the row' as problem,
        'name a channel with is_modelled = true' as remedy
    from priors
    left join channels
        on priors.channel_id = channels.channel_id
    where priors.channel_id is not null and channels.channel_id is null
),

free_channels as (
    select
        'prior_roi_without_spend' as check_name,
        'warn' as severity,
        'channel_priors' as input_name,
        priors.source_file,
        priors.source_row,
        'roi_low' as column_name,
        {{ mixloop.plain_number('priors.roi_low') }} as value,
        concat(priors.channel_id, ' has no spend, so a return cannot be compared') as problem,
        'give share_of_kpi instead, or bring its spend' as remedy
    from priors
    inner join channels
        on priors.channel_id = channels.channel_id
    where priors.roi_low is not null and channels.spend = 0
),

findings as (
    {%- for part in [
        'unknown_kpis', 'unnamed_kpis', 'reversed_weeks', 'certain', 'without_change',
        'overlapping', 'unknown_geos', 'other_channels', 'half_ranges', 'reversed_ranges',
        'impossible_ends', 'slow_beliefs', 'too_much_together', 'unused_priors', 'free_channels',
    ] %}
    select * from {{ part }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from findings
