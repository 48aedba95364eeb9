-- one row per model x context variable that the client says something about; a row for the model
-- goes before one for all models
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with declared as (
    select * from {{ ref('stg_mixloop__context_variables') }}
    where variable is not null
),

definitions as (
    select model_id
    from {{ ref('stg_mixloop__model_definitions') }}
    where model_id is not null
    group by model_id
),

ranked as (
    select
        definitions.model_id,
        declared.variable,
        declared.expected_sign,
        declared.is_controllable,
        declared.notes,
        row_number() over (
            partition by definitions.model_id, declared.variable
            order by declared.model_id is null, declared.source_row
        ) as precedence
    from definitions
    inner join declared
        on coalesce(declared.model_id, definitions.model_id) = definitions.model_id
),

model_context_variables as (
    select * exclude (precedence)
    from ranked
    where precedence = 1
)

select * from model_context_variables
