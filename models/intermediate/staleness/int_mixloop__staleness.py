"""Whether runs can still be used: every sign of every judged run."""

from mixloop import staleness, unchanged


def model(dbt, session):
    runs = dbt.ref("int_mixloop__judged_runs")
    kernels = dbt.ref("int_mixloop__run_kernels")
    media = dbt.ref("int_mixloop__staleness_media")
    plans = dbt.ref("int_mixloop__staleness_plans")
    misses = dbt.ref("int_mixloop__run_misses")
    logged = dbt.ref("int_mixloop__logged_misses")
    settings = dbt.config.meta_get("thresholds")
    return unchanged.rows(
        session, dbt.this, staleness.staleness_table,
        runs=runs, kernels=kernels, media=media, plans=plans, misses=misses, logged=logged,
        settings=settings,
    )  # fmt: skip
