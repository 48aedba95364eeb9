with input_findings as (
    select * from {{ ref('int_mixloop__input_findings') }}
),

final as (
    select
        finding_id,
        check_name,
        severity,
        input_name,
        series,
        source_file,
        cast(source_row as bigint) as source_row,
        column_name,
        value,
        problem,
        remedy,
        is_overridable,
        is_overridden,
        overridden_by,
        override_reason
    from input_findings
)

select * from final
