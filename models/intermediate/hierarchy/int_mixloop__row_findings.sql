-- one row per input, column or cell that is missing or cannot be read
with input_columns as (
    select * from {{ ref('stg_mixloop__input_columns') }}
),

-- Media can be many rows: only series in which something is wrong are read again, row by row.
bad_series as (
    select series.series_hash
    from {{ ref('int_mixloop__media_series') }} as series
    inner join {{ ref('int_mixloop__series_weeks') }} as series_weeks
        on series.series_number = series_weeks.series_number
    where series.platform is null or series_weeks.n_bad_rows > 0
    group by series.series_hash
),

input_rows as (
    select
        'media' as input_name,
        facts.source_file,
        facts.source_row,
        facts.input_errors
    from {{ ref('int_mixloop__media_facts') }} as facts
    inner join bad_series
        on facts.series_hash = bad_series.series_hash
    {%- for name in mixloop.input_names() if name != 'media' %}
    union all
    select
        '{{ name }}' as input_name,
        source_file,
        source_row,
        input_errors
    from {{ ref('stg_mixloop__' ~ name) }}
    {%- endfor %}
),

row_counts as (
    select
        'media' as input_name,
        sum(n_rows) as n_rows
    from {{ ref('int_mixloop__series_weeks') }}
    having sum(n_rows) > 0
    union all
    select
        input_name,
        count(*) as n_rows
    from input_rows
    where input_name != 'media'
    group by input_name
),

inputs as (
    select
        input_name,
        bool_and(is_input_required) as is_required,
        min(input_state) as input_state,
        min(looked_for) as looked_for,
        min(source_file) as source_file
    from input_columns
    group by input_name
),

missing_inputs as (
    select
        case when is_required then 'required_input_missing' else 'optional_input_missing' end
            as check_name,
        case when is_required then 'blocking' else 'info' end as severity,
        input_name,
        looked_for as source_file,
        cast(null as bigint) as source_row,
        cast(null as varchar) as column_name,
        cast(null as varchar) as value,
        case
            when input_state = 'off' then concat('the input is switched off by a var')
            else concat('there is no ', looked_for)
        end as problem,
        case
            when is_required
                then concat('bring ', input_name, ' there, or correct the folder or var')
            else 'nothing to do if there is none: it counts as empty'
        end as remedy
    from inputs
    where input_state in ('off', 'missing')
),

empty_inputs as (
    select
        case when inputs.is_required then 'required_input_empty' else 'optional_input_empty' end
            as check_name,
        case when inputs.is_required then 'blocking' else 'info' end as severity,
        inputs.input_name,
        inputs.source_file,
        cast(null as bigint) as source_row,
        cast(null as varchar) as column_name,
        cast(null as varchar) as value,
        case
            when inputs.is_required and known_rows.n_rows > 0
                then concat(
                    'none of its ', known_rows.n_rows, ' rows was known on ', known_rows.as_of,
                    ' (var mixloop__as_of), the oldest is of ', known_rows.first_date
                )
            else 'it has no rows'
        end as problem,
        case
            when inputs.is_required and known_rows.n_rows > 0
                then concat(
                    'choose a later date; where the oldest date is that of a reload, empty ',
                    known_rows.column_name, ' or bring the first loads'
                )
            when inputs.is_required then 'check the export that fills it'
            else 'nothing to do if that is meant'
        end as remedy
    from inputs
    left join row_counts
        on inputs.input_name = row_counts.input_name
    left join {{ ref('stg_mixloop__known_rows') }} as known_rows
        on inputs.input_name = known_rows.input_name
    where inputs.input_state = 'found' and row_counts.input_name is null
),

missing_columns as (
    select
        case
            when is_column_required then 'required_column_missing'
            else 'optional_column_missing'
        end as check_name,
        case when is_column_required then 'blocking' else 'info' end as severity,
        input_name,
        source_file,
        cast(null as bigint) as source_row,
        column_name,
        cast(null as varchar) as value,
        concat('there is no column ', column_name) as problem,
        concat(
            case
                when is_column_required then 'add it or rename the column that holds it'
                else 'nothing to do if there is none: it counts as empty'
            end,
            case
                when accepted_names != '' then concat(' (also accepted: ', accepted_names, ')')
            end
        ) as remedy
    from input_columns
    where input_state = 'found' and not is_column_found
),

cell_errors as (
    select
        input_name,
        source_file,
        source_row,
        unnest(input_errors) as cell
    from input_rows
    where len(input_errors) > 0
),

-- a column that is missing altogether is said once, not once a row
bad_cells as (
    select
        'bad_value' as check_name,
        'blocking' as severity,
        cell_errors.input_name,
        cell_errors.source_file,
        cell_errors.source_row,
        cell_errors.cell['column_name'] as column_name,
        cell_errors.cell['value'] as value,
        cell_errors.cell['problem'] as problem,
        cell_errors.cell['remedy'] as remedy
    from cell_errors
    inner join input_columns
        on
            cell_errors.input_name = input_columns.input_name
            and cell_errors.cell['column_name'] = input_columns.column_name
    where input_columns.is_column_found
),

findings as (
    select * from missing_inputs
    union all
    select * from empty_inputs
    union all
    select * from missing_columns
    union all
    select * from bad_cells
)

select * from findings
