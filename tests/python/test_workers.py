"""Independent fits give the same ledger rows wherever they run."""

import os
import subprocess
import sys
import threading
import time
import types
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mixloop import fit as fit_module
from mixloop import runs, workers
from mixloop.fit import FitSettings, FitTask
from mixloop.panel import build_panel
from mixloop.runs import fit_runs
from mixloop.workers import side_by_side

TINY = FitSettings(chains=2, warmup=5, sweeps=20, max_sweeps=20, draws=30)
SETTINGS = {
    **{name: getattr(TINY, name) for name in FitSettings.__annotations__},
    **{"backtest_origins": 1, "backtest_step_weeks": 13, "backtest_horizon_weeks": 13},
    "first_forecast_weeks_ago": 4,
}
SOURCE = Path(runs.__file__).parents[1]
MEASURED = ("fit_seconds", "peak_memory_mib")


@pytest.fixture(scope="module")
def inputs(simulate, to_frames):
    """Two models with two or three runs each."""
    frames = [
        to_frames(simulate(seed=seed, n_weeks=n, geos=("north", "south")[:j]).panel, model_id=name)
        for seed, n, j, name in ((1, 70, 2, "sales"), (2, 58, 1, "orders"))
    ]
    return {name: pl.concat(frame[name] for frame in frames) for name in frames[0]}


def ledger(inputs, **where):
    rows = fit_runs(**inputs, existing=[], settings=SETTINGS | where, clock=time.perf_counter)
    return rows.drop(MEASURED)


@pytest.fixture(scope="module")
def local(inputs):
    rows = ledger(inputs)
    assert rows["run_id"].n_unique() == 5
    return rows


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_rows_do_not_depend_on_the_local_backend(inputs, local, backend):
    assert ledger(inputs, fit_backend=backend, fit_jobs=2).equals(local)


# --- a real Dask scheduler with two worker processes ----------------------------------------------


@contextmanager
def cluster(home, scheduler, *workers):
    """The address of a scheduler and workers on loopback, each with its folder of source code."""
    distributed = pytest.importorskip("distributed")
    told = home / "scheduler.json"
    quiet = ("--scheduler-file", str(told), "--no-dashboard", "--host", "127.0.0.1")
    commands = [(scheduler, "distributed.cli.dask_scheduler", "--port", "0", *quiet)]
    worker = ("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *quiet)
    commands += [(folder, *worker, "--local-directory", str(home)) for folder in workers]
    running = []
    try:
        for folder, *command in commands:
            environment = os.environ | {"PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "2"}
            call = [sys.executable, "-m", *command]
            running.append(subprocess.Popen(call, env=environment, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 60
        while not told.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with distributed.Client(scheduler_file=str(told), timeout=60) as client:
            client.wait_for_workers(len(workers), timeout=60)
            address = client.scheduler.address
        yield address
    finally:
        for process in reversed(running):
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Two single-threaded worker processes with this mixloop."""
    with cluster(tmp_path_factory.mktemp("dask"), SOURCE, SOURCE, SOURCE) as address:
        yield address


def test_a_dask_cluster_gives_the_same_rows(inputs, local, scheduler):
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:
        before = client.run(lambda dask_worker: dask_worker.state.executed_count)
    assert len(before) == 2
    rows = ledger(inputs, fit_backend="dask", fit_scheduler=scheduler, fit_jobs=1)
    assert rows.equals(local)
    with Client(scheduler, set_as_default=False) as client:
        after = client.run(lambda dask_worker: dask_worker.state.executed_count)
    assert all(after[name] > before[name] for name in before), "both workers took part"


def test_the_scheduler_may_come_from_the_environment(inputs, local, scheduler):
    import dask

    with dask.config.set({"scheduler-address": scheduler}):
        assert ledger(inputs, fit_backend="dask").equals(local)


def test_an_error_in_a_fit_comes_back(inputs, scheduler):
    broken = inputs | {"outcomes": inputs["outcomes"].with_columns(-pl.col("outcome"))}
    with pytest.raises(ValueError, match="zero, negative or missing on average"):
        ledger(broken, fit_backend="dask", fit_scheduler=scheduler)


@pytest.mark.parametrize(
    ("is_worker", "source", "says"),
    [
        (True, "", "cannot import mixloop: .*No module named 'mixloop.runs'"),
        (False, "def code_hash(): return 'older'", "1 of 2 Dask processes .* first the scheduler"),
    ],
)
def test_processes_without_this_mixloop_are_refused(tmp_path, inputs, is_worker, source, says):
    package = tmp_path / "mixloop"
    package.mkdir()
    (package / "__init__.py").touch()
    if source:
        (package / "runs.py").write_text(source)
    folders = (SOURCE, tmp_path) if is_worker else (tmp_path, SOURCE)
    with (
        cluster(tmp_path, *folders) as address,
        pytest.raises((ModuleNotFoundError, RuntimeError), match=says),
    ):
        ledger(inputs, fit_backend="dask", fit_scheduler=address)


def test_a_scheduler_that_is_not_there(inputs, monkeypatch):
    monkeypatch.setattr(workers, "CONNECT_SECONDS", 0.3)
    with pytest.raises(ConnectionError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:1'"):
        ledger(inputs, fit_backend="dask", fit_scheduler="tcp://127.0.0.1:1")


def test_dask_without_an_address(inputs):
    with pytest.raises(ValueError, match="name the scheduler in mixloop__fit_scheduler"):
        ledger(inputs, fit_backend="dask", fit_scheduler=None)


# --- names, packages, versions --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["os", "dask.config", "Loky", "multiprocessing", "slurm"])
def test_other_names_are_refused_and_not_imported(name, monkeypatch):
    monkeypatch.setattr(workers, "import_module", lambda module: pytest.fail(f"imported {module}"))
    with pytest.raises(ValueError, match=f"mixloop__fit_backend must be one of .* not {name!r}"):
        side_by_side(abs, [-1], backend=name)


@pytest.mark.parametrize(
    ("backend", "package"), [("dask", "distributed"), ("ray", "ray"), ("spark", "joblibspark")]
)
def test_a_missing_package_is_named(backend, package, monkeypatch):
    def nothing(module):
        raise ModuleNotFoundError(f"No module named {module!r}")

    monkeypatch.setattr(workers, "import_module", nothing)
    with pytest.raises(ModuleNotFoundError, match=f"is '{backend}', which needs .* '{package}'"):
        side_by_side(abs, [-1], backend=backend)


@pytest.mark.parametrize(
    ("backend", "module", "register"),
    [("ray", "ray.util.joblib", "register_ray"), ("spark", "joblibspark", "register_spark")],
)
def test_other_clusters_are_registered_and_used(backend, module, register, monkeypatch):
    """With a stand-in package that registers this process's threads under the cluster's name."""
    from joblib import register_parallel_backend
    from joblib._parallel_backends import ThreadingBackend

    asked, started = [], []

    class Cluster(ThreadingBackend):
        def configure(self, n_jobs=1, **keywords):
            asked.append(n_jobs)
            return super().configure(2, **keywords)

    def registered():
        register_parallel_backend(backend, Cluster)

    ray = types.SimpleNamespace(
        is_initialized=lambda: bool(started), init=lambda address: started.append(address)
    )
    modules = {"ray": ray, module: types.SimpleNamespace(**{register: registered})}
    monkeypatch.setattr(workers, "import_module", modules.__getitem__)
    address = "ray://head:10001" if backend == "ray" else ""
    assert side_by_side(abs, [-1, -2, 3], backend=backend, scheduler=address) == [1, 2, 3]
    assert asked == [-1]
    assert started == ([address] if address else [])


def test_spark_takes_no_address():
    with pytest.raises(ValueError, match="mixloop__fit_scheduler is not used with 'spark'"):
        side_by_side(abs, [-1], backend="spark", scheduler="yarn")


def test_workers_with_another_version_are_refused(inputs, monkeypatch):
    rows = runs._ledger_rows
    monkeypatch.setattr(
        runs, "_ledger_rows", lambda *a: rows(*a).with_columns(code_hash=pl.lit("older"))
    )
    with pytest.raises(RuntimeError, match="5 of 5 fits ran with other source code"):
        ledger(inputs)


# --- threads --------------------------------------------------------------------------------------


def threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_side_by_side_threads_stay_on_one_thread_and_leave_no_trace():
    seen = []
    first_is_done = threading.Event()

    def work(item):
        if item:
            first_is_done.wait(10)  # the other item has entered and left its own limit
            seen.extend(threads())
        else:
            with threadpool_limits(limits=1):
                pass
            first_is_done.set()

    with threadpool_limits(limits=2):
        before = threads()
        assert set(before) == {2}
        side_by_side(work, [0, 1], backend="threading", jobs=2)
        assert threads() == before
    assert set(seen) == {1}


def test_one_thread_and_two_give_the_same_draws(simulate, to_frames, monkeypatch):
    """A fit takes one thread whatever its caller has; so the draws cannot depend on it."""
    frames = to_frames(simulate(n_weeks=104).panel)
    panel = build_panel("sales", *(frames[name] for name in ("outcomes", "media", "drivers")))
    units = dict.fromkeys(panel.channels, "spend")
    task = FitTask("r", "live", "sales", "revenue", panel, 104, units, {})
    run_chains, inside = fit_module.run_chains, []

    def spied(*arguments, **keywords):
        inside.append(set(threads()))
        return run_chains(*arguments, **keywords)

    monkeypatch.setattr(fit_module, "run_chains", spied)
    found = []
    for limit in (1, 2):
        with threadpool_limits(limits=limit):
            assert set(threads()) == {limit}
            found.append(fit_module.fit(task, TINY).posterior)
            assert set(threads()) == {limit}
    assert inside == [{1}, {1}]
    for name in ("coef", "baseline_coef", "sigma", "rho", "half", "decay", "last_error"):
        np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))


def test_one_thread_and_two_give_the_same_rows(inputs, local):
    for limit in (1, 2):
        with threadpool_limits(limits=limit):
            assert ledger(inputs).equals(local)


# --- seeds ----------------------------------------------------------------------------------------


def test_another_seed_stays_within_monte_carlo_error(simulate, to_frames):
    """Differences of posterior means, in their standard errors, are like standard normals."""
    frames = to_frames(simulate(n_weeks=104, geos=("north",)).panel)
    settings = SETTINGS | {"chains": 4, "warmup": 200, "sweeps": 600, "max_sweeps": 600}
    settings |= {"draws": 2400, "backtest_origins": 0, "first_forecast_weeks_ago": 0}
    found = []
    for seed in (1, 2, 3):
        rows = fit_runs(
            **frames, existing=[], settings=settings | {"seed": seed}, clock=time.perf_counter
        ).sort("term_id")
        draws = np.array(rows["coefficient"].to_list())
        assert rows["rhat"].max() < 1.05
        found.append((draws.mean(axis=1), draws.std(axis=1) / np.sqrt(rows["ess_bulk"].to_numpy())))
    for one, two in ((0, 1), (0, 2), (1, 2)):
        z = (found[one][0] - found[two][0]) / np.hypot(found[one][1], found[two][1])
        assert (z != 0).all()
        assert np.abs(z).max() < 4.0, z
        assert np.sqrt((z**2).mean()) < 1.5, z
