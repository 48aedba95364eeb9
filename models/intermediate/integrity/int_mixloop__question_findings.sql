-- one row per open question that stops publishing, and per question about no line item we have
{{ config(materialized='view') }}
with questions as (
    select * from {{ ref('stg_mixloop__open_questions') }}
    where question_id is not null
),

line_items as (
    select line_item_id from {{ ref('int_mixloop__line_items') }}
),

open_questions as (
    select
        'open_blocking_question' as check_name,
        'blocking' as severity,
        'open_questions' as input_name,
        question_id as series,
        source_file,
        source_row,
        'status' as column_name,
        left(question, 200) as value,
        concat(
            'question ', question_id, ', asked by ', asked_by,
            case when asked_on is not null then concat(' on ', asked_on) else '' end,
            ', is open, and it is marked as blocking'
        ) as problem,
        'answer it (status answered, with answer and answered_by), withdraw it, or set is_blocking'
        || ' to false' as remedy
    from questions
    where is_blocking and status = 'open'
),

unknown_line_items as (
    select
        'unknown_line_item' as check_name,
        'warn' as severity,
        'open_questions' as input_name,
        questions.question_id as series,
        questions.source_file,
        questions.source_row,
        'line_item_id' as column_name,
        questions.line_item_id as value,
        'media has no line item with this id' as problem,
        'copy line_item_id from mixloop__line_items or mixloop__unmapped_media' as remedy
    from questions
    left join line_items
        on questions.line_item_id = line_items.line_item_id
    where questions.line_item_id is not null and line_items.line_item_id is null
),

findings as (
    select * from open_questions
    union all
    select * from unknown_line_items
)

select * from findings
