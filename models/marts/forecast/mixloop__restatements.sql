with restatements as (
    select * from {{ ref('int_mixloop__restatement_rows') }}
    where {{ mixloop.is_run_known('as_of_week') }}
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

final as (
    select
        {{ mixloop.surrogate_key([
            'restatements.run_id', 'restatements.earlier_run_id', 'restatements.component_id',
            'restatements.cause',
        ]) }} as restatement_id,
        restatements.run_id,
        restatements.model_id,
        restatements.earlier_run_id,
        restatements.as_of_week,
        restatements.earlier_as_of_week,
        restatements.first_week,
        restatements.last_week,
        restatements.component_id,
        case
            when restatements.component_id = 'all_media' then 'All media'
            else coalesce(components.label, restatements.component_id)
        end as component_label,
        restatements.cause,
        restatements.effect_before,
        restatements.effect_after,
        restatements.change,
        restatements.change_low,
        restatements.change_high,
        restatements.is_beyond_noise
    from restatements
    left join components
        on restatements.component_id = components.component_id
)

select * from final
