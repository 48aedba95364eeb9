{#- Removes the draws of runs that nothing needs any more, and says so on record. Only shows them unless
    dry_run is false. What was published (ledger, forecasts, contributions) stays.
        dbt run-operation prune_history --args '{keep_weeks: 104, by: Ann, dry_run: false}'

    keep_weeks     runs trained to a week older than this many weeks before the newest one may go
    by, reason     who prunes and why, for the record
    contributions  true removes these runs' rows of mixloop__published_contributions too
    dry_run        true: only show what would be removed -#}
{% macro prune_history(keep_weeks, by='', reason='', contributions=false, dry_run=true) %}
    {%- set keep_weeks = keep_weeks | int -%}
    {%- if keep_weeks < 1 -%}
        {{ exceptions.raise_compiler_error('prune_history: keep_weeks must be a whole number from 1 on.') }}
    {%- endif -%}
    {%- if not dry_run and not (by | string | trim) -%}
        {{ exceptions.raise_compiler_error(
            "prune_history: say who prunes, --args '{keep_weeks: " ~ keep_weeks ~ ", by: <name>, dry_run: false}'."
        ) }}
    {%- endif -%}
    {%- set wanted = ['int_mixloop__posterior'] -%}
    {%- if contributions %}{%- do wanted.append('mixloop__published_contributions') -%}{%- endif -%}
    {%- set tables = [] -%}
    {%- for name in wanted if mixloop.history_relation(name) is not none -%}
        {%- do tables.append(mixloop.history_relation(name)) -%}
    {%- endfor -%}

    {%- do run_query('create or replace temporary table mixloop_to_prune as ' ~ mixloop.prunable_runs(keep_weeks)) -%}
    {%- do run_query('alter table mixloop_to_prune add column n_rows_removed bigint default 0') -%}
    {%- for table in tables -%}
        {%- do run_query(
            'update mixloop_to_prune set n_rows_removed = n_rows_removed + counted.n_rows from (select run_id, '
            ~ 'count(*) as n_rows from ' ~ table ~ ' group by run_id) as counted '
            ~ 'where mixloop_to_prune.run_id = counted.run_id'
        ) -%}
    {%- endfor -%}
    {%- set runs = run_query(
        'select as_of_week, model_id, run_kind, run_id, n_rows_removed from mixloop_to_prune '
        ~ 'order by as_of_week, model_id, run_id'
    ).rows -%}
    {%- for run in runs -%}
        {%- do log(
            run[0] ~ '  ' ~ run[1] ~ '  ' ~ run[2] ~ '  ' ~ run[3] ~ '  ' ~ run[4] ~ ' rows', info=true
        ) -%}
    {%- endfor -%}
    {%- set said = (runs | length) ~ ' runs in ' ~ (tables | map(attribute='identifier') | join(', ')) -%}
    {%- if runs | length == 0 -%}
        {%- do log('There is nothing to prune.', info=true) -%}
    {%- elif dry_run -%}
        {%- do log('Nothing was removed. With dry_run: false these would go: ' ~ said, info=true) -%}
    {%- else -%}
        {%- set statements = mixloop.prune_statements(tables, by | string | trim, reason | string | trim) -%}
        {#- looking up relations has opened a transaction; a pruning is one of its own -#}
        {%- do adapter.commit() -%}
        {%- do run_query(statements) -%}
        {%- do log('Removed: ' ~ said ~ '. The next dbt build enters it in the ledger.', info=true) -%}
    {%- endif -%}
{% endmacro %}


{#- The facts of the runs that may go: old enough, not called for by today's inputs, without a published
    forecast whose weeks are still to come, and not what a decision that is not over was based on. -#}
{% macro prunable_runs(keep_weeks) -%}
    with facts as (
        select * from {{ mixloop.history_relation('int_mixloop__run_facts') }}
    ),

    ledger as (
        select * from {{ mixloop.history_relation('mixloop__ledger') }}
        qualify row_number() over (partition by record_kind, record_id order by revision desc) = 1
    ),

    cutoff as (
        select max(as_of_week) - 7 * {{ keep_weeks }} as week
        from facts
    ),

    newest as (
        select
            model_id,
            max(as_of_week) as week
        from facts
        group by model_id
    ),

    forecasts as (
        select
            run_id,
            max(week) as last_week
        from {{ mixloop.history_relation('mixloop__forecasts') }}
        group by run_id
    ),

    decisions as (
        select
            record_id,
            content ->> '$.end_week' as end_week
        from ledger
        where record_kind = 'decision'
    ),

    based_on as (
        select
            ledger.run_id,
            coalesce(
                try_cast(ledger.content ->> '$.end_week' as date),
                try_cast(decisions.end_week as date),
                date '9999-12-31'
            ) as end_week
        from ledger
        left join decisions
            on coalesce(ledger.content ->> '$.decision_id', ledger.record_id) = decisions.record_id
        where
            ledger.record_kind in ('decision', 'prediction')
            and ledger.run_id is not null
    )

    select facts.*
    from facts
    cross join cutoff
    inner join newest
        on facts.model_id = newest.model_id
    left join forecasts
        on facts.run_id = forecasts.run_id
    where
        facts.as_of_week < cutoff.week
        and facts.as_of_week < newest.week
        and coalesce(forecasts.last_week <= newest.week, true)
        and facts.run_id not in (
            select current_runs.run_id
            from {{ mixloop.history_relation('int_mixloop__current_runs') }} as current_runs
        )
        and facts.run_id not in (
            select based_on.run_id
            from based_on
            where based_on.end_week >= cutoff.week
        )
{%- endmacro %}


{#- One transaction: the record of what goes, and its removal. -#}
{% macro prune_statements(tables, by, reason) -%}
    {%- set pruned = mixloop.history_relation('int_mixloop__pruned_runs') -%}
    begin transaction;
    insert into {{ pruned }} by name
    select
        md5(concat_ws(chr(31), cast(numbers.prune_id as varchar), to_prune.run_id)) as pruned_run_id,
        cast(numbers.prune_id as integer) as prune_id,
        numbers.newest_week as prune_as_of_week,
        {{ mixloop.text_literal(by) }} as pruned_by,
        nullif({{ mixloop.text_literal(reason) }}, '') as reason,
        {{ mixloop.text_literal(tables | map(attribute='identifier') | join(', ')) }} as pruned_tables,
        to_prune.*
    from mixloop_to_prune as to_prune
    cross join (
        select
            (select coalesce(max(prune_id), 0) + 1 from {{ pruned }}) as prune_id,
            (select max(as_of_week) from {{ mixloop.history_relation('int_mixloop__posterior') }}) as newest_week
    ) as numbers;
    {%- for table in tables %}
    delete from {{ table }} where run_id in (select run_id from mixloop_to_prune);
    {%- endfor %}
    commit;
{%- endmacro %}
