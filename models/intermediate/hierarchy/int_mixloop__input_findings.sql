select
    cast(null as varchar) as finding_id, cast(null as varchar) as check_name, cast(null as varchar) as severity,
    cast(null as varchar) as input_name, cast(null as varchar) as source_file, cast(null as bigint) as source_row,
    cast(null as varchar) as column_name, cast(null as varchar) as value, cast(null as varchar) as problem, cast(null as varchar) as remedy
where false
