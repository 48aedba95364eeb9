"""Why a refresh changed the numbers: planted changes between two runs of a small client."""

import json
from dataclasses import asdict, replace

import numpy as np
import planted
import polars as pl
import pytest

from mixloop.bridge.record import MOVED_MEDIA, RUN_PANELS, Record
from mixloop.bridge.restatement import Told, pairs_of, restatement_rows, widened
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.schemas import CURRENT_RUNS, RESTATEMENTS

SETTINGS = FitSettings(
    chains=2, warmup=60, sweeps=150, max_sweeps=150, draws=100, carryover_weeks=3
)
N = 70


def client(n_weeks=N):
    """A national client with two channels that are plain to see."""
    rng = np.random.default_rng(4)
    media = rng.gamma(2.0, 10.0, (1, n_weeks, 2))
    kpi = 500 + (4 * media[..., 0] + 2 * media[..., 1]) + rng.normal(0, 8, (1, n_weeks))
    return planted.panel(media, kpi)


def task_of(panel, run_id, **more):
    units = dict.fromkeys(panel.channels, "spend")
    return FitTask(run_id, "live", "m", "revenue", panel, len(panel.weeks), units, {}, **more)


def told(task, settings=SETTINGS, code="x"):
    asked = asdict(settings) | {
        "kpi": task.kpi, "n_training_weeks": task.n_training, "media_units": task.media_units,
        "share_of_kpi": task.share_of_kpi,
    }  # fmt: skip
    return Told(json.loads(json.dumps(asked)), code)


def record(panel, run_id="old", version=1, moved=()):
    rows = [
        {
            "run_id": run_id, "model_id": "m", "as_of_week": panel.weeks[-1].item(),
            "mapping_version": version, "panel_number": 1, "geo": "g0", "item_type": kind,
            "item_id": name, "first_week": panel.weeks[0].item(), "spend": None, "values": values,
        }
        for kind, name, values in (
            ("kpi", "revenue", panel.outcome[0].tolist()),
            *(("channel", f"c{c}", panel.exposure[0, :, c].tolist()) for c in range(2)),
        )
    ]  # fmt: skip
    return Record(
        pl.DataFrame(rows, schema=RUN_PANELS), pl.DataFrame(list(moved), schema=MOVED_MEDIA)
    )


@pytest.fixture(scope="module")
def runs():
    """The earlier run, and a counter of fits."""
    panel = client().until(client().weeks[-6])
    task = task_of(panel, "old")
    return panel, task, fit(task, SETTINGS).posterior


def explained(runs, task, settings=SETTINGS, code="x", known=None):
    """Return the rows by cause for all media, the whole frame, and how many fits they took."""
    panel, earlier_task, earlier = runs
    later = fit(task, settings).posterior
    asked = []

    def fitted(*what):
        asked.append(what)
        return fit(*what).posterior

    frame = restatement_rows(
        earlier, later, (told(earlier_task), told(task, settings, code)), task, settings,
        known or record(panel), fitted,
    )  # fmt: skip
    assert frame.schema == RESTATEMENTS
    sums = (
        frame.filter(pl.col("cause") != "total")
        .group_by("component_id")
        .agg(pl.col("change").sum())
    )
    ends = frame.filter(cause="total").join(sums, on="component_id", suffix="_sum")
    np.testing.assert_allclose(ends["change"], ends["change_sum"], atol=1e-9)
    np.testing.assert_allclose(
        ends["effect_after"] - ends["effect_before"], ends["change"], atol=1e-9
    )
    whole = frame.filter(component_id="all_media")
    return dict(whole.select("cause", "change").rows()), frame, asked


def causes(found):
    return set(found) - {"total", "sampler_noise"}


def test_new_weeks_alone_need_no_fit(runs):
    found, frame, asked = explained(runs, task_of(client(), "new"))
    assert causes(found) == {"new_weeks"} and not asked
    assert frame["last_week"].unique().to_list() == [runs[0].weeks[-1].item()]
    before = frame.filter(component_id="c0", cause="total")["effect_before"].item()
    assert before == pytest.approx(4 * runs[0].exposure[..., 0].sum(), rel=0.3)


def test_revised_history_and_new_weeks_are_told_apart(runs):
    panel = client()
    media = panel.exposure.copy()
    media[:, :60, 1] *= 1.5  # half as much again of c1 was found
    panel = replace(panel, exposure=media, spend=media.copy())
    found, _frame, asked = explained(runs, task_of(panel, "new"))
    assert causes(found) == {"revised_history", "new_weeks"}
    assert len(asked) == 1
    assert asked[0][0].panel.weeks[-1] == runs[0].weeks[-1]
    assert asked[0][0].n_training == len(runs[0].weeks)


def test_a_change_of_configuration(runs):
    panel = runs[0]
    believed = task_of(panel, "new")
    believed = replace(believed, share_of_kpi={"c0": 0.01, "c1": 0.01})
    found, _, asked = explained(runs, believed)
    assert causes(found) == {"configuration"} and not asked
    found, _, asked = explained(runs, task_of(panel, "new"), code="y")
    assert causes(found) == {"configuration"}


def test_only_another_seed_is_noise(runs):
    found, frame, asked = explained(runs, task_of(runs[0], "new"), replace(SETTINGS, seed=5))
    assert causes(found) == set() and not asked
    assert found["sampler_noise"] == pytest.approx(found["total"])
    row = frame.filter(component_id="all_media", cause="sampler_noise")
    assert abs(found["total"]) < 3 * (row["change_high"] - row["change"]).item()


def test_a_line_item_that_was_mapped_anew(runs):
    panel = runs[0]
    media = panel.exposure.copy()
    part = 0.5 * media[..., 1]
    media[..., 1] -= part
    media[..., 0] += part
    new = replace(panel, exposure=media, spend=media.copy())
    moved = [
        {
            "mapping_version": 1, "geo": "g0", "week": week.item(), "from_leaf_id": "c1",
            "from_channel_id": "c1", "to_leaf_id": "c0", "to_channel_id": "c0",
            "spend": float(amount), "impressions": 0.0,
        }
        for week, amount in zip(panel.weeks, part[0], strict=True)
    ]  # fmt: skip
    found, frame, asked = explained(runs, task_of(new, "new"), known=record(panel, moved=moved))
    assert causes(found) == {"mapping"} and not asked
    change = frame.filter(cause="mapping", component_id="c0")["change"].item()
    assert change > 0


def test_a_channel_that_is_gone_is_without_media_and_without_frequency():
    panel = replace(client(), frequency=np.full((1, N, 2), 3.0))
    wide = widened(panel, ("a", "c1"))
    assert wide.channels == ("a", "c0", "c1")
    assert not wide.exposure[..., 0].any() and (wide.frequency[..., 0] == 1.0).all()
    np.testing.assert_array_equal(wide.exposure[..., 1:], panel.exposure)


def test_the_live_run_before_is_the_other_of_a_pair():
    def row(run_id, number, week, model="m"):
        return {"run_id": run_id, "model_id": model, "panel_number": number,
                "as_of_week": planted.weeks(20)[week].item(), "geo": "g", "item_type": "kpi",
                "item_id": "k", "first_week": planted.FIRST.item()}  # fmt: skip

    panels = pl.DataFrame(
        [row("back", 1, 5), row("one", 1, 9), row("two", 2, 10), row("three", 3, 11),
         row("alone", 3, 11, "n")],
        schema=RUN_PANELS,
    )  # fmt: skip
    current = pl.DataFrame(
        [("three", "m", "live"), ("alone", "n", "live"), ("back", "m", "backtest")],
        schema=list(CURRENT_RUNS)[:3], orient="row",
    )  # fmt: skip
    assert pairs_of(panels, current) == [("three", "two")]
