-- one row per run x plan x revision of a published forecast: how many rows it has, and one hash
-- over the fingerprints that they were published with
{{ config(materialized='view') }}
with forecasts as (
    select * from {{ ref('mixloop__forecasts') }}
),

published as (
    select
        run_id,
        plan_id,
        revision,
        any_value(model_id) as model_id,
        any_value(forecast_kind) as forecast_kind,
        any_value(plan_source) as plan_source,
        any_value(plan_hash) as plan_hash,
        any_value(as_of_week) as as_of_week,
        any_value(mapping_version) as mapping_version,
        any_value(overrides) as overrides,
        count(*) as n_rows,
        min(week) as first_week,
        max(week) as last_week,
        sha256(string_agg(content_hash, chr(10) order by content_hash)) as rows_hash
    from forecasts
    group by run_id, plan_id, revision
),

final as (
    select
        'forecast' as record_kind,
        concat_ws('/', run_id, plan_id, revision) as record_id,
        model_id,
        run_id,
        as_of_week,
        {{ mixloop.record_content({
            'forecast_kind': 'forecast_kind',
            'plan_id': 'plan_id',
            'plan_revision': 'revision',
            'plan_source': 'plan_source',
            'plan_hash': 'plan_hash',
            'mapping_version': 'mapping_version',
            'overrides': 'overrides',
            'first_week': 'first_week',
            'last_week': 'last_week',
            'n_rows': 'n_rows',
            'rows_hash': 'rows_hash',
        }) }} as content
    from published
)

select * from final
