{#-
    Materializations of tables that grow with history and seldom change: one that would be written as it is
    already is left alone.

    `table_if_changed`, SQL: the rows are counted and hashed, which is some twenty times cheaper than writing
    them and their key. The table is written where anything differs: columns, types, which constraints its
    columns have, the number of rows or their hash (a sum over rows, so their order does not count), and on a
    full refresh: an edited expression of a check needs one. A model with constraints of the table is always
    written. dbt would warn that it ignores constraints here; they are there, so they say warn_unsupported: false.

    `table_unless_it_stays`, Python: the model says with one row whose `made_of` is `stays` that the table is
    the one to have (mixloop.unchanged).
-#}

{% materialization table_if_changed, adapter="duckdb", supported_languages=["sql"] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if (
        existing is not none and existing.is_table and not should_full_refresh()
        and mixloop.has_form_of_model(existing) and mixloop.has_rows_of_model(existing)
    ) -%}
        {{ run_hooks(pre_hooks) }}
        {%- call noop_statement("main", "SAME ROWS") -%} {%- endcall -%}
        {{ run_hooks(post_hooks) }}
        {{ return({"relations": [this.incorporate(type="table")]}) }}
    {%- endif -%}
    {{ return(materialization_table_duckdb()) }}
{% endmaterialization %}


{#- dbt lets only a materialization itself start Python. -#}
{% materialization table_unless_it_stays, adapter="duckdb", supported_languages=["python"] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set table = this.incorporate(type="table") -%}
    {%- set new = make_intermediate_relation(table) -%}
    {%- set old = make_backup_relation(table, "table" if existing is none else existing.type) -%}
    {{ drop_relation_if_exists(load_cached_relation(new)) }}
    {{ drop_relation_if_exists(load_cached_relation(old)) }}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement("main", language="python") -%}
        {{- create_table_as(False, new, compiled_code, "python") -}}
    {%- endcall -%}
    {%- set made = run_query("select made_of from " ~ new ~ " limit 1").rows -%}
    {%- if existing is not none and made and made[0][0] == "stays" -%}
        {%- do adapter.drop_relation(new) -%}
    {%- else -%}
        {%- if existing is not none -%} {%- do adapter.rename_relation(existing, old) -%} {%- endif -%}
        {%- do adapter.rename_relation(new, table) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ drop_relation_if_exists(old) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [table]}) }}
{% endmaterialization %}


{#- True where a table has the columns, types and constraints of the model's contract. -#}
{% macro has_form_of_model(relation) %}
    {%- set wanted, found = [], [] -%}
    {%- for column in model.columns.values() -%}
        {%- do wanted.append('type ' ~ column.name ~ ' ' ~ (column.data_type or '') | upper | replace(' ', '')) -%}
        {%- for constraint in column.constraints -%}
            {%- do wanted.append((constraint.type.value or constraint.type) ~ ' ' ~ column.name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for constraint in model.constraints -%} {%- do wanted.append('of the table') -%} {%- endfor -%}

    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do found.append('type ' ~ column.name ~ ' ' ~ column.dtype | upper | replace(' ', '')) -%}
    {%- endfor -%}
    {%- set constraints -%}
        select lower(replace(constraint_type, ' ', '_')) as kind, constraint_column_names[1] as column_name
        from duckdb_constraints()
        where
            database_name = {{ mixloop.text_literal(relation.database) }}
            and schema_name = {{ mixloop.text_literal(relation.schema) }}
            and table_name = {{ mixloop.text_literal(relation.identifier) }}
    {%- endset -%}
    {%- for row in run_query(constraints).rows -%}
        {%- do found.append(row['kind'] ~ ' ' ~ row['column_name']) -%}
    {%- endfor -%}
    {{ return(wanted | sort == found | sort) }}
{% endmacro %}


{#- True where a table holds just the rows that the model would write. -#}
{% macro has_rows_of_model(relation) %}
    {%- set values = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do values.append('cast(' ~ adapter.quote(column.name) ~ ' as ' ~ column.dtype ~ ')') -%}
    {%- endfor -%}
    {%- set hashed = 'count(*) as n, sum(cast(hash(' ~ values | join(', ') ~ ') as hugeint)) as digest' -%}
    {%- set compared -%}
        with
        model_rows as (
            {{ compiled_code }}
        ),
        new as (select {{ hashed }} from model_rows),
        old as (select {{ hashed }} from {{ relation }})
        select new.n = old.n and new.digest is not distinct from old.digest as same from new cross join old
    {%- endset -%}
    {{ return(run_query(compared).rows[0]['same']) }}
{% endmacro %}
