-- one row per approved decision, as it is written today
{{ config(materialized='view') }}
with decisions as (
    select *
    from {{ ref('stg_mixloop__decisions') }}
    where
        decision_id is not null
        and approved_on is not null
    -- an id that is given twice is a blocking finding
    qualify row_number() over (partition by decision_id order by source_file, source_row) = 1
),

newest_week as (
    select max(last_training_week) as as_of_week
    from {{ ref('int_mixloop__models') }}
),

final as (
    select
        'decision' as record_kind,
        decisions.decision_id as record_id,
        cast(null as varchar) as model_id,
        decisions.run_id,
        newest_week.as_of_week,
        {{ mixloop.record_content({
            'approved_on': 'decisions.approved_on',
            'approved_by': 'decisions.approved_by',
            'channel_id': 'decisions.channel_id',
            'spend_from': 'decisions.spend_from',
            'spend_to': 'decisions.spend_to',
            'start_week': 'decisions.start_week',
            'end_week': 'decisions.end_week',
            'run_id': 'decisions.run_id',
            'is_test': 'decisions.is_test',
            'geos': 'decisions.geos',
        }) }} as content
    from decisions
    cross join newest_week
)

select * from final
