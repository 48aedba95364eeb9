{#- An incremental Python model leaves its batch behind as an ordinary table `<model>__dbt_tmp<time>` in the
    connection's default schema (dbt-duckdb does not make it temporary). Drops those of the model being built,
    also the ones of a build that was killed. Run it as a post-hook outside the transaction: the batch is in the
    warehouse file, the model in the history file, and one transaction writes to one file. -#}
{% macro drop_python_leftovers() %}
    {%- if execute -%}
        {%- set leftovers = run_query(
            "select database_name, schema_name, table_name from duckdb_tables()"
            ~ " where database_name = current_database() and not temporary"
            ~ " and starts_with(table_name, '" ~ this.identifier ~ "__dbt_tmp')"
            ~ " order by table_name"
        ) -%}
        {%- for row in leftovers.rows %}
            drop table if exists {{ api.Relation.create(database=row[0], schema=row[1], identifier=row[2]) }};
        {% endfor -%}
    {%- endif -%}
{% endmacro %}
