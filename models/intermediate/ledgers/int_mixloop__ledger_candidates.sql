-- one row per record that this build would enter in the ledger, entered already or not; macro
-- ledger_kinds lists the kinds
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with records as (
    {% for kind, habit in mixloop.ledger_kinds().items() %}
    select
        {{ loop.index }} as turn,
        {{ 'true' if habit == 'kept' else 'false' }} as is_kept,
        record_kind,
        record_id,
        model_id,
        run_id,
        as_of_week,
        content
    from {{ ref('int_mixloop__' ~ kind ~ '_records') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {% endfor %}
),

final as (
    select
        turn,
        is_kept,
        record_kind,
        record_id,
        cast(model_id as varchar) as model_id,
        cast(run_id as varchar) as run_id,
        cast(as_of_week as date) as as_of_week,
        cast(content as varchar) as content,
        sha256(cast(content as varchar)) as content_hash
    from records
)

select * from final
