with integrity_checks as (
    select * from {{ ref('int_mixloop__integrity_checks') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['check_name', 'series']) }} as data_quality_id,
        check_name,
        series,
        input_name,
        severity,
        measured,
        threshold,
        n_found,
        first_week,
        last_week,
        source_file,
        source_rows,
        problem,
        remedy,
        is_overridable,
        is_overridden,
        overridden_by,
        override_reason
    from integrity_checks
)

select * from final
