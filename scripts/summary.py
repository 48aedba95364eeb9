"""Tell what the warehouse holds after `dbt build`: tables, headline, files, first queries.

Plain text, read-only, safe to run at any time: `python scripts/summary.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.warehouse_files import sheets_folder, warehouse_files

PUBLIC = (
    ("mixloop__channels", "the client's channels, in every hierarchy"),
    ("mixloop__rollup", "which leaves each of them adds up"),
    ("mixloop__media_weekly", "spend by week, geo and channel"),
    ("mixloop__source_rows", "the media rows behind every node and week"),
    ("mixloop__line_items", "which rule maps each line item, and where to"),
    ("mixloop__mapping_conflicts", "rules that meet, and rules that do nothing"),
    ("mixloop__unmapped_media", "line items that no rule claims"),
    ("mixloop__reconciliation", "does the money tie"),
    ("mixloop__input_findings", "what is wrong with the inputs"),
    ("mixloop__data_quality", "what was checked in the data"),
    ("mixloop__open_questions", "what people have asked"),
    ("mixloop__model_feasibility", "what the data can tell apart, and your answers"),
    ("mixloop__model_holidays", "which public holidays are columns of the model"),
    ("mixloop__mapping_versions", "what changed in mapping and tree, and when"),
    ("mixloop__model_requirements", "what each model needs, and what it got"),
    ("mixloop__runs", "model runs, convergence, scores"),
    ("mixloop__run_scores", "the model against simpler methods"),
    ("mixloop__model_health", "one verdict on every run, and why"),
    ("mixloop__health_checks", "what the verdict rests on"),
    ("mixloop__freshness", "does the run still hold"),
    ("mixloop__staleness", "the signs behind it, by channel"),
    ("mixloop__channel_plausibility", "which returns are hard to believe"),
    ("mixloop__priors", "what was believed before the data, and after"),
    ("mixloop__calibration_evidence", "lift tests, and how far each moved its channel"),
    ("mixloop__evidence_moves", "how far each moved every other channel, and why"),
    ("mixloop__variable_selection", "what each variable moves: keep, drop or test"),
    ("mixloop__specifications", "near-equal answers, by transform"),
    ("mixloop__consistency", "do earlier origins say the same"),
    ("mixloop__contributions", "what made the KPI, week by week"),
    ("mixloop__published_contributions", "the same, kept as published"),
    ("mixloop__channel_performance", "spend, effect and return"),
    ("mixloop__response_curves", "what more spend would bring"),
    ("mixloop__backtests", "forecasts of weeks held out"),
    ("mixloop__backtest_scores", "how good they were, by horizon"),
    ("mixloop__recommendations", "how a plan's money could be split better"),
    ("mixloop__decision_backtests", "would earlier advice have paid"),
    ("mixloop__hypotheses", "too much or too little money, how surely, since when"),
    ("mixloop__forecasts", "what is expected, kept as made"),
    ("mixloop__forecast_variance", "why it came differently"),
    ("mixloop__variance_periods", "the same by week, month and quarter, in sentences"),
    ("mixloop__restatements", "why a refresh changed what was said before"),
    ("mixloop__decision_outcomes", "what decisions promised and what came"),
    ("mixloop__ledger", "what was published, planned and decided, chained"),
)
QUERIES = (
    (
        "What did each channel bring in the last year, and is the next unit of money worth it?",
        """select model_id, label, round(spend) as spend, round(effect_mean) as effect,
       round(roi_p05, 2) as roi_low, round(roi_p95, 2) as roi_high,
       round(p_marginal_roi_above_hurdle, 2) as p_more_pays
from {channel_performance}
where period_id = 'last_52_weeks' and is_additive
order by model_id, effect_mean desc nulls last""",
    ),
    (
        "What is expected under the plan, with a range of nine in ten?",
        """select model_id, week, round(forecast_p05) as low, round(forecast_mean) as expected,
       round(forecast_p95) as high
from {forecasts}
where geo = 'all' and component_id = 'kpi' and forecast_kind = 'live'
  and run_id in (select run_id from {runs} where is_current)
qualify revision = max(revision) over (partition by run_id, plan_id)
order by model_id, week""",
    ),
    (
        "Why was the last forecast wrong?",
        """select model_id, driver_label, cause,
       round(sum(variance_mean)) as actual_minus_forecast
from {forecast_variance}
where geo = 'all' and is_additive
group by model_id, run_id, driver_label, cause
order by model_id, run_id, abs(sum(variance_mean)) desc""",
    ),
)


def connect(warehouse: Path, history: Path) -> duckdb.DuckDBPyConnection:
    """Open the warehouse read-only, the history file attached read-only when it is there."""
    connection = duckdb.connect(str(warehouse), read_only=True)
    if history.exists():
        quoted = str(history).replace("'", "''")
        connection.execute(f"attach '{quoted}' as history (read_only)")
    return connection


def find_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the address of every public table that is there, by name without its prefix."""
    rows = connection.execute(
        "select table_name, table_catalog, table_schema from information_schema.tables "
        "where starts_with(table_name, 'mixloop__') order by table_catalog, table_schema"
    ).fetchall()
    here = connection.execute("select current_database()").fetchone()[0]
    found = {}
    for name, database, schema in rows:
        address = f"{schema}.{name}" if database == here else f"{database}.{schema}.{name}"
        found[name.removeprefix("mixloop__")] = address
    return found


def short(value: float | None) -> str:
    """Return a number as people write it.

    Examples
    --------
    >>> [short(x) for x in (1234567.0, 45678.0, 12.34, 0.0123, None)]
    ['1.23 m', '45.7 k', '12.3', '0.0123', '?']
    """
    if value is None:
        return "?"
    for size, unit in ((1e9, " bn"), (1e6, " m"), (1e4, None)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}" if unit else f"{value / 1e3:.3g} k"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(value: float | None) -> str:
    """Return a fraction as a percentage with one decimal, `?` for none."""
    return "?" if value is None else f"{100 * value:.1f}%"


def table_lines(connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> list[str]:
    """Return one line for every public table."""
    lines = ["Public tables"]
    for name, what in PUBLIC:
        address = tables.get(name.removeprefix("mixloop__"))
        if address is None:
            lines.append(f"  {'-':>9}  {name:<46} not built yet: {what}")
            continue
        count = connection.execute(f"select count(*) from {address}").fetchone()[0]
        lines.append(f"  {count:>9,}  {address:<46} {what}")
    return lines


def run_lines(connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> list[str]:
    """Return the headline of every current run: trust, channels, forecast."""
    if not {"runs", "channel_performance", "forecasts"} <= tables.keys():
        return []
    runs = connection.execute(
        "select run_id, model_id, kpi, first_training_week, as_of_week, n_training_weeks, "
        "rhat_max, out_of_sample_mape, seasonal_naive_mape, flags "
        f"from {tables['runs']} where is_current order by model_id"
    ).fetchall()
    lines = []
    for run_id, model, kpi, first, last, weeks, rhat, mape, naive, flags in runs:
        worst = "?" if rhat is None else f"{rhat:.3f}"
        lines += [
            "",
            f"Model {model} ({kpi}), {weeks} weeks from {first} to {last}",
            f"  trust      worst R-hat {worst}; weeks held out: {percent(mape)} off on average, "
            f"last year's week is {percent(naive)} off",
        ]
        lines += verdict_lines(connection, tables, run_id, flags)
        lines += channel_lines(connection, tables, run_id)
        lines += forecast_lines(connection, tables, run_id)
    return lines


def verdict_lines(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[str, str],
    run_id: str,
    flags: str | None,
) -> list[str]:
    """Return the verdict on a run and its reasons, or the run's flags where none was made."""
    found = None
    if "model_health" in tables:
        found = connection.execute(
            f"select verdict, reasons from {tables['model_health']} where run_id = ?", [run_id]
        ).fetchone()
    verdict, reasons = found or (None, flags)
    lines = [f"  verdict    {verdict}"] if verdict else []
    return lines + [f"  beware     {reasons}"] * bool(reasons)


def channel_lines(
    connection: duckdb.DuckDBPyConnection, tables: dict[str, str], run_id: str
) -> list[str]:
    """Return the three channels with the largest effect in the last year."""
    rows = connection.execute(
        "select coalesce(label, channel_id), effect_mean, roi_mean, roi_p05, roi_p95 "
        f"from {tables['channel_performance']} where run_id = ? and is_estimated and is_additive "
        "and period_id = 'last_52_weeks' order by effect_mean desc, channel_id limit 3",
        [run_id],
    ).fetchall()
    return [
        f"  {'channels' if k == 0 else '':<10} {label}: {short(effect)} in the last 52 weeks, "
        + (
            "no spend of its own"
            if roi is None
            else f"{short(roi)} for each unit of money ({short(low)} to {short(high)})"
        )
        for k, (label, effect, roi, low, high) in enumerate(rows)
    ]


def forecast_lines(
    connection: duckdb.DuckDBPyConnection, tables: dict[str, str], run_id: str
) -> list[str]:
    """Return the next four weeks of every plan's latest revision."""
    rows = connection.execute(
        "select plan_id, week, forecast_mean, forecast_p05, forecast_p95 "
        f"from {tables['forecasts']} where run_id = ? and geo = 'all' and component_id = 'kpi' "
        "and horizon_weeks <= 4 qualify revision = max(revision) over (partition by plan_id) "
        "order by plan_id, week",
        [run_id],
    ).fetchall()
    return [
        f"  {'forecast' if k == 0 else '':<10} week of {week}, {plan}: {short(mean)} "
        f"({short(low)} to {short(high)})"
        for k, (plan, week, mean, low, high) in enumerate(rows)
    ]


def finding_lines(connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> list[str]:
    """Return the number of findings, the first ones of the worst kind, and money that is off."""
    lines = []
    if "input_findings" in tables:
        counts = connection.execute(
            "select severity, count(*) "
            f"from {tables['input_findings']} group by severity order by severity"
        ).fetchall()
        said = ", ".join(f"{count} {severity}" for severity, count in counts) or "none"
        lines += ["", f"Findings about the inputs: {said}"]
        first = connection.execute(
            "select coalesce(input_name, ''), coalesce(source_file, ''), source_row, problem, "
            "remedy "
            f"from {tables['input_findings']} where severity in ('blocking', 'warn') "
            "qualify row_number() over "
            "(partition by check_name order by source_row, finding_id) = 1 "
            "order by severity, check_name limit 5"
        ).fetchall()
        for name, file, row, problem, remedy in first:
            where = Path(file).name or name
            line = "" if row is None else f", row {row}"
            lines += [f"  {where}{line}: {problem}", f"      {remedy}"]
    if "reconciliation" in tables:
        checked, off = connection.execute(
            "select count(*), count(*) filter (where not is_within) "
            f"from {tables['reconciliation']}"
        ).fetchone()
        lines.append(f"Money: {checked:,} reconciliation checks, {off:,} outside the tolerance")
    return lines


def ledger_lines(connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> list[str]:
    """Return the ledger's head, and the decisions that were edited after their approval."""
    if "ledger" not in tables:
        return []
    count, head = connection.execute(
        f"select count(*), max_by(entry_hash, position) from {tables['ledger']}"
    ).fetchone()
    if not count:
        return ["Ledger: no entries yet"]
    edited = connection.execute(
        f"select record_id, max(revision) from {tables['ledger']} where record_kind = 'decision' "
        "group by record_id having max(revision) > 1 order by record_id"
    ).fetchall()
    return [
        f"Ledger: {count:,} entries, head {head} (note it elsewhere: docs/history.md)",
        *(
            f"  decision {name} was edited after its approval: {revision} versions are in the "
            "ledger"
            for name, revision in edited
        ),
    ]


def query_lines(tables: dict[str, str]) -> list[str]:
    """Return the first queries to try, with the addresses of this warehouse."""
    lines = ["", "Three queries to try"]
    for question, query in QUERIES:
        try:
            text = query.format(**tables)
        except KeyError:
            continue
        lines += ["", f"-- {question}", f"{text};"]
    return lines if len(lines) > 2 else []


def opening_lines(warehouse: Path, history: Path) -> list[str]:
    """Return where the files are and how to open them."""
    return [
        "",
        f"Warehouse  {warehouse.resolve()}",
        f"History    {history.resolve()}  (what was published; keep it)",
        *(f"Sheet      {page.resolve()}" for page in sorted(sheets_folder().glob("*.html"))),
        "",
        "To look inside, in .venv/bin/python (or any DuckDB client, without the wrapping):",
        "  import duckdb",
        f"  db = duckdb.connect({str(warehouse)!r}, read_only=True)",
        f'  db.execute("attach {sql_text(history)} as history (read_only)")',
        '  db.sql("""<a query from below>""").show()',
    ]


def sql_text(path: Path) -> str:
    """Return a path as a SQL literal."""
    return "'" + str(path).replace("'", "''") + "'"


def summary(warehouse: Path, history: Path) -> str:
    """Return the whole text; a sentence with the way out when there is nothing to tell."""
    if not warehouse.exists():
        return f"There is no warehouse at {warehouse} yet: run `make build`."
    try:
        connection = connect(warehouse, history)
    except duckdb.IOException as error:
        return (
            f"The warehouse {warehouse} cannot be opened just now: {error}\n"
            "Close the program that holds it and run `python scripts/summary.py`."
        )
    with connection:
        tables = find_tables(connection)
        if not tables:
            return f"{warehouse} holds no mixloop tables yet: run `make build`."
        lines = [
            *table_lines(connection, tables),
            *run_lines(connection, tables),
            *finding_lines(connection, tables),
            *ledger_lines(connection, tables),
            *opening_lines(warehouse, history),
            *query_lines(tables),
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(summary(*warehouse_files()) + "\n")
