-- one row per modelled channel and thing to know of its reach and frequency, and per wish for a
-- media unit that cannot be met. Empty where no media has reach and nobody asks for a unit
{{ config(materialized='view') }}
{%- set kinds = {
    'frequency_below_one': [
        'reach > 0 and frequency < 1', 'frequency',
        'people who were reached had less than one contact',
    ],
    'reach_above_impressions': [
        'impressions is not null and reach > impressions', 'reach',
        'more people were reached than there were impressions',
    ],
    'contacts_not_impressions': [
        'true', 'frequency',
        'reach times frequency is more than 10% away from impressions',
    ],
} %}
with channels as (
    select * from {{ ref('int_mixloop__defined_channels') }}
),

wishes as (
    select * from {{ ref('int_mixloop__unit_wishes') }}
),

priors as (
    select * from {{ ref('stg_mixloop__channel_priors') }}
),

-- by channel, whatever the model
reached as (
    select
        channels.channel_id,
        coalesce(bool_or(wishes.media_unit = 'reach_frequency'), false) as is_modelled_on_it
    from channels
    left join wishes
        on
            channels.model_id = wishes.model_id
            and channels.channel_id = wishes.channel_id
    where channels.reach > 0
    group by channels.channel_id
),

series_channels as (
    select
        series.series_hash,
        series.series_number,
        series.line_item_number,
        series.geo,
        segments.valid_from,
        segments.valid_to,
        reached.channel_id
    from reached
    inner join {{ ref('int_mixloop__hierarchy_paths') }} as paths
        on
            reached.channel_id = paths.ancestor_id
            and paths.hierarchy_id = 'main'
            and not paths.is_cycle
    inner join {{ ref('int_mixloop__line_item_segments') }} as segments
        on paths.channel_id = segments.channel_id
    inner join {{ ref('int_mixloop__media_series') }} as series
        on segments.line_item_id = series.line_item_id
),

item_weeks as (
    select
        series_channels.channel_id,
        series_channels.line_item_number,
        series_channels.geo,
        series_weeks.week,
        sum(series_weeks.n_reach) as n_reach,
        sum(series_weeks.n_without_reach) as n_without_reach,
        sum(series_weeks.n_odd_reach) as n_odd_reach
    from series_channels
    inner join {{ ref('int_mixloop__series_weeks') }} as series_weeks
        on
            series_channels.series_number = series_weeks.series_number
            and series_channels.valid_from <= series_weeks.part_start
            and series_channels.valid_to >= series_weeks.part_start
    where series_weeks.week is not null
    group by all
),

channel_weeks as (
    select
        channel_id,
        geo,
        week,
        sum(n_reach) as n_reach,
        sum(n_without_reach) as n_without_reach,
        count(*) filter (where n_reach > 0) as n_items,
        count(*) filter (where n_reach > 1) as n_items_of_several_rows
    from item_weeks
    group by channel_id, geo, week
),

totals as (
    select
        channel_weeks.channel_id,
        any_value(reached.is_modelled_on_it) as is_modelled_on_it,
        sum(channel_weeks.n_reach) as n_reach,
        sum(channel_weeks.n_without_reach) as n_without_reach,
        sum(channel_weeks.n_items) as n_item_weeks,
        sum(channel_weeks.n_items_of_several_rows) as n_item_weeks_of_several_rows,
        count(*) filter (where channel_weeks.n_items > 0) as n_weeks,
        count(*) filter (where channel_weeks.n_items > 1) as n_weeks_of_several_items
    from channel_weeks
    inner join reached
        on channel_weeks.channel_id = reached.channel_id
    group by channel_weeks.channel_id
),

in_part as (
    select
        'reach_in_part' as check_name,
        case when is_modelled_on_it then 'warn' else 'info' end as severity,
        'media' as input_name,
        cast(null as varchar) as source_file,
        cast(null as bigint) as source_row,
        'reach' as column_name,
        channel_id as value,
        concat(
            n_without_reach, ' of ', n_reach + n_without_reach,
            ' rows with media do not say how many people they reached and how often',
            case when is_modelled_on_it then ': they reach nobody in the model' else '' end
        ) as problem,
        case
            when is_modelled_on_it
                then 'bring reach and frequency in every row, or model the channel on spend'
            else 'bring reach in every row before the channel is modelled on it'
        end as remedy
    from totals
    where n_without_reach > 0
),

not_modelled as (
    select
        'reach_not_modelled' as check_name,
        'info' as severity,
        'media' as input_name,
        cast(null as varchar) as source_file,
        cast(null as bigint) as source_row,
        'reach' as column_name,
        channel_id as value,
        'every row has reach and frequency, and the channel is not modelled on them' as problem,
        'media_unit reach_frequency in channel_priors does it' as remedy
    from totals
    where n_without_reach = 0 and not is_modelled_on_it
),

several_rows as (
    select
        'reach_in_several_rows' as check_name,
        'warn' as severity,
        'media' as input_name,
        cast(null as varchar) as source_file,
        cast(null as bigint) as source_row,
        'reach' as column_name,
        channel_id as value,
        concat(
            'in ', n_item_weeks_of_several_rows, ' of ', n_item_weeks,
            ' weeks of its line items reach comes in several rows (days); who is in two of them is '
        )
        || 'not known, so the largest row counts as the week''s reach: the least it can be'
            as problem,
        'bring the reach of each week as one row per line item and geo' as remedy
    from totals
    where is_modelled_on_it and n_item_weeks_of_several_rows > 0
),

several_items as (
    select
        'reach_of_several_line_items' as check_name,
        'info' as severity,
        'media' as input_name,
        cast(null as varchar) as source_file,
        cast(null as bigint) as source_row,
        'reach' as column_name,
        channel_id as value,
        concat(
            'in ', n_weeks_of_several_items, ' of ', n_weeks,
            ' weeks and geos the reach of several line items is added up: people whom two of them '
        )
        || 'reached count twice' as problem,
        'nothing to do if they reach different people; otherwise bring the channel''s own reach '
        || 'as one line item' as remedy
    from totals
    where is_modelled_on_it and n_weeks_of_several_items > 0
),

odd_series as (
    select
        series_channels.series_hash,
        series_channels.channel_id
    from series_channels
    semi join item_weeks
        on
            series_channels.channel_id = item_weeks.channel_id
            and series_channels.line_item_number = item_weeks.line_item_number
            and series_channels.geo = item_weeks.geo
            and item_weeks.n_odd_reach > 0
    group by series_channels.series_hash, series_channels.channel_id
),

odd_rows as (
    select
        odd_series.channel_id,
        facts.source_file,
        facts.source_row,
        case
            {%- for kind, (condition, _, _) in kinds.items() %}
            when {{ condition }} then '{{ kind }}'
            {%- endfor %}
        end as kind
    from {{ ref('int_mixloop__media_facts') }} as facts
    inner join odd_series
        on facts.series_hash = odd_series.series_hash
    where {{ mixloop.is_odd_reach() }}
),

impossible as (
    select
        odd_rows.kind as check_name,
        case when any_value(reached.is_modelled_on_it) then 'warn' else 'info' end as severity,
        'media' as input_name,
        min_by(odd_rows.source_file, odd_rows.source_row) as source_file,
        min(odd_rows.source_row) as source_row,
        case odd_rows.kind
            {%- for kind, (_, column, _) in kinds.items() %}
            when '{{ kind }}' then '{{ column }}'
            {%- endfor %}
        end as column_name,
        odd_rows.channel_id as value,
        concat(
            'in ', count(*), ' rows ',
            case odd_rows.kind
                {%- for kind, (_, _, problem) in kinds.items() %}
                when '{{ kind }}' then '{{ problem }}'
                {%- endfor %}
            end
        ) as problem,
        'check what the export means by reach and frequency, and over which days' as remedy
    from odd_rows
    inner join reached
        on odd_rows.channel_id = reached.channel_id
    group by odd_rows.channel_id, odd_rows.kind
),

planned as (
    select
        'frequency_below_one' as check_name,
        'warn' as severity,
        'plan' as input_name,
        source_file,
        source_row,
        'frequency' as column_name,
        cast(frequency as varchar) as value,
        'people who are to be reached would have less than one contact' as problem,
        'plan a frequency of 1 or more, or leave it empty: it then stays as it was of late'
            as remedy
    from {{ ref('stg_mixloop__plan') }}
    where reach > 0 and frequency < 1
),

unmet as (
    select
        'media_unit_without_media' as check_name,
        'warn' as severity,
        'channel_priors' as input_name,
        wishes.source_file,
        wishes.source_row,
        'media_unit' as column_name,
        wishes.media_unit as value,
        concat(
            wishes.channel_id, ' has no ', replace(wishes.media_unit, '_', ' and '), ' in model ',
            wishes.model_id, ': it is modelled on ',
            {{ mixloop.media_unit(
                'wishes.media_unit', 'channels.spend', 'channels.impressions', 'channels.reach'
            ) }}
        ) as problem,
        'bring them in media, or leave media_unit empty' as remedy
    from wishes
    inner join channels
        on
            wishes.model_id = channels.model_id
            and wishes.channel_id = channels.channel_id
    where
        case wishes.media_unit
            when 'spend' then channels.spend
            when 'impressions' then channels.impressions
            else channels.reach
        end = 0
),

other_units as (
    select
        'prior_of_other_unit' as check_name,
        'warn' as severity,
        'channel_priors' as input_name,
        priors.source_file,
        priors.source_row,
        case when reached.is_modelled_on_it then 'saturation_low' else 'half_frequency_low' end
            as column_name,
        priors.channel_id as value,
        case
            when reached.is_modelled_on_it
                then 'reach and frequency saturate with frequency, so nothing uses the range'
            else 'the channel is not modelled on reach and frequency, so nothing uses the range'
        end as problem,
        case
            when reached.is_modelled_on_it
                then 'give half_frequency_low and half_frequency_high instead'
            else 'give saturation_low and saturation_high, or media_unit reach_frequency'
        end as remedy
    from priors
    left join reached
        on priors.channel_id = reached.channel_id
    where
        case
            when reached.is_modelled_on_it then priors.saturation_low
            else priors.half_frequency_low
        end is not null
),

findings as (
    {%- for part in [
        'in_part', 'not_modelled', 'several_rows', 'several_items', 'impossible', 'planned',
        'unmet', 'other_units',
    ] %}
    select * from {{ part }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from findings
