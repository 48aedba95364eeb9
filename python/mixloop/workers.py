"""Where independent fits run: this machine's cores, or a cluster that is there already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

LOCAL = ("loky", "threading", "sequential")
CLUSTERS = {"dask": "distributed", "ray": "ray", "spark": "joblibspark"}  # and what to install
BACKENDS = (*LOCAL, *CLUSTERS)
ALL_WORKERS = -1
CONNECT_SECONDS = 30

Item = TypeVar("Item")
Result = TypeVar("Result")


def _package(backend: str, module: str) -> ModuleType:
    """Import what a cluster's joblib backend needs.

    Raises
    ------
    ModuleNotFoundError
        When it is not installed; the message says what to install where.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"mixloop__fit_backend is {backend!r}, which needs the Python package "
            f"{CLUSTERS[backend]!r}: install it beside mixloop, here and on every worker "
            f"({error})"
        ) from error


def _require_same_code(client: object) -> None:
    """Raise unless the Dask scheduler and every worker have this mixloop.

    A task that one of them cannot load would never come back: joblib waits for it for ever. The
    question is asked with builtins only, so that a machine without mixloop can answer it.
    """
    expected = import_module("mixloop.runs").code_hash()
    question = "__import__('importlib').import_module('mixloop.runs').code_hash()"
    try:
        found = {"the scheduler": client.run_on_scheduler(eval, question)}
        found |= client.run(eval, question)
    except (ImportError, AttributeError) as error:
        raise ModuleNotFoundError(
            "the Dask scheduler or a worker cannot import mixloop: install it, or put its python "
            f"folder on PYTHONPATH, there too ({error})"
        ) from error
    others = sorted(name for name, code in found.items() if code != expected)
    if others:
        raise RuntimeError(
            f"{len(others)} of {len(found)} Dask processes have other source code of mixloop, "
            f"first {others[0]}: install the same version on the scheduler and every worker"
        )


@contextmanager
def _dask(scheduler: str) -> Iterator[None]:
    """Send joblib's work to a Dask scheduler."""
    distributed = _package("dask", "distributed")
    address = scheduler or import_module("dask").config.get("scheduler-address", "")
    if not address:
        raise ValueError(
            "mixloop__fit_backend is 'dask': name the scheduler in mixloop__fit_scheduler "
            "(tcp://host:8786) or in the environment variable DASK_SCHEDULER_ADDRESS"
        )
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {address!r}: start it with `dask scheduler`, check "
            f"mixloop__fit_scheduler ({error})"
        ) from error
    with client:
        _require_same_code(client)
        with parallel_config("dask", n_jobs=ALL_WORKERS, client=client):
            yield


@contextmanager
def _ray(scheduler: str) -> Iterator[None]:
    """Send joblib's work to a Ray cluster; without an address Ray decides where it is."""
    ray = _package("ray", "ray")
    if scheduler and not ray.is_initialized():
        ray.init(address=scheduler)
    _package("ray", "ray.util.joblib").register_ray()
    with parallel_config("ray", n_jobs=ALL_WORKERS):
        yield


@contextmanager
def _spark(scheduler: str) -> Iterator[None]:
    """Send joblib's work to the Spark session that the environment configures."""
    if scheduler:
        raise ValueError(
            "mixloop__fit_scheduler is not used with 'spark': configure the session where Spark "
            f"looks for it (spark-defaults.conf), and leave the var empty, not {scheduler!r}"
        )
    _package("spark", "joblibspark").register_spark()
    with parallel_config("spark", n_jobs=ALL_WORKERS):
        yield


def _on_one_thread(work: Callable[[Item], Result], item: Item) -> Result:
    """Do one item with linear algebra on one thread, for good in this process.

    A limit that ended with the item would be lifted under other items in threads of the process.
    """
    threadpool_limits(limits=1)
    return work(item)


def side_by_side(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    backend: str = "loky",
    jobs: int = 1,
    scheduler: str = "",
) -> list[Result]:
    """Do independent items and return their results in the items' order.

    Parameters
    ----------
    work : callable
        Something that other processes can import, or a `functools.partial` of it.
    backend : str
        One of `BACKENDS`. A name that is not there is never imported.
    jobs : int
        Workers of a local backend; a cluster has as many as it has.
    scheduler : str
        The address of a Dask scheduler or a Ray cluster.

    Raises
    ------
    ValueError
        When the backend is none of these, or a cluster's address is missing.
    ModuleNotFoundError
        When the cluster's Python package is missing, or mixloop in a Dask process; the message
        names it.
    RuntimeError
        When a Dask process has other source code of mixloop.
    ConnectionError
        When no scheduler answers.
    """
    if backend not in BACKENDS:
        raise ValueError(f"mixloop__fit_backend must be one of {list(BACKENDS)}, not {backend!r}")
    tasks = (delayed(_on_one_thread)(work, item) for item in items)
    with threadpool_limits(limits=1):  # restored here, whatever ran in this process
        if backend in CLUSTERS:
            connected = {"dask": _dask, "ray": _ray, "spark": _spark}[backend]
            with connected(scheduler):
                return list(Parallel()(tasks))
        return list(Parallel(n_jobs=jobs, backend=backend)(tasks))
