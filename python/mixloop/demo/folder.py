"""Write the demo client to files: a complete client folder, and the truth beside it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import polars as pl

from mixloop.demo import brand
from mixloop.demo.client import DemoClient, generate
from mixloop.demo.world import DEFAULT_SEED, FULL, Size

SEED_FILES = (
    *("channel_hierarchy", "channel_mapping", "model_definitions", "channel_priors"),
    *("events", "experiments", "goals", "decisions"),
    *("feasibility_answers", "open_questions", "overrides", "context_variables"),
)
_SEEDS = Path(__file__).resolve().parents[3] / "seeds"


def _write_models(source: Path, target: Path, geos: tuple[str, ...]) -> None:
    """Copy the model definitions with the geos that the folder has."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"geos": ";".join(geos)} for row in rows)


def write_client_folder(
    path: str | Path,
    size: Size = FULL,
    *,
    seed: int = DEFAULT_SEED,
    seeds: str | Path = _SEEDS,
) -> DemoClient:
    """Write the demo as a client folder of CSV files: the six inputs and the client tables.

    Parameters
    ----------
    path : str or Path
        The folder; made when missing, files of the same names are overwritten.
    size : Size
        `FULL`, or `SMALL` (2 geos, 104 weeks, two booked days a week) for quick tests.
    seed : int
        Seed of the generator.
    seeds : str or Path
        Folder with the demo client's tables: seeds/ of the repository, which an installed package
        does not bring along.

    Returns
    -------
    DemoClient
        What was written, with its truth, which is not part of the folder.

    Raises
    ------
    FileNotFoundError
        When `seeds` lacks one of the client tables; the message names them.
    """
    folder, source = Path(path), Path(seeds)
    missing = [name for name in SEED_FILES if not (source / f"{name}.csv").is_file()]
    if missing:
        raise FileNotFoundError(
            f"{source} has no {', '.join(f'{name}.csv' for name in missing)}: "
            "pass seeds=<the folder seeds/ of the mixloop repository>"
        )
    client = generate(size, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in client.inputs().items():
        frame.write_csv(folder / f"{name}.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    for name in SEED_FILES:
        if name == "model_definitions":
            _write_models(source / f"{name}.csv", folder / f"{name}.csv", size.geos)
        else:
            shutil.copyfile(source / f"{name}.csv", folder / f"{name}.csv")
    return client


def write_truth(client: DemoClient, path: str | Path) -> list[Path]:
    """Write truth_<kpi>.parquet and truth_spend.parquet into the folder; return the files.

    The truth is for judging a model. It stays outside the warehouse, where no model can read it.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    frames = {f"truth_{kpi}": client.truth.filter(pl.col("kpi") == kpi) for kpi in brand.KPIS}
    frames["truth_spend"] = client.truth_spend
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return [folder / f"{name}.parquet" for name in frames]
