"""Whether runs can still be used: every sign of every judged run."""

from mixloop import staleness


def model(dbt, session):
    runs = dbt.ref("int_mixloop__judged_runs").pl()
    kernels = dbt.ref("int_mixloop__run_kernels").pl()
    media = dbt.ref("int_mixloop__staleness_media").pl()
    plans = dbt.ref("int_mixloop__staleness_plans").pl()
    misses = dbt.ref("int_mixloop__run_misses").pl()
    logged = dbt.ref("int_mixloop__logged_misses").pl()
    settings = dbt.config.meta_get("thresholds")
    return staleness.staleness_table(
        runs=runs, kernels=kernels, media=media, plans=plans, misses=misses, logged=logged,
        settings=settings,
    )  # fmt: skip
