"""Other specifications of a model: which there are, what they change, and what they say."""

import json
from dataclasses import replace

import numpy as np
import planted
import polars as pl
import pytest
from test_runs import ORIGINS, SETTINGS, TINY, Clock

from mixloop import publish
from mixloop.posterior import posteriors_from_frame
from mixloop.runs import configuration, fit_runs, fit_tasks
from mixloop.specifications import specification_rows
from mixloop.variants import AS_PRODUCT, AS_SUM, FREE, STIFF, WITHOUT_CONTEXT, variants_of


@pytest.fixture(scope="module")
def inputs(simulate, to_frames):
    return to_frames(simulate(n_weeks=80, geos=("north",), channels=("search", "tv")).panel)


@pytest.fixture(scope="module")
def ledger(inputs):
    settings = SETTINGS | {"specification_runs": 1, "backtest_origins": 1}
    return fit_runs(**inputs, existing=[], settings=settings, clock=Clock())


def test_which_variants_there_are(simulate):
    panel = simulate(n_weeks=60, channels=("tv",)).panel
    assert variants_of(panel, "additive") == (STIFF, FREE, WITHOUT_CONTEXT, AS_PRODUCT)
    assert variants_of(panel, "multiplicative") == (STIFF, FREE, WITHOUT_CONTEXT, AS_SUM)
    # a KPI that is zero in some week is no product
    panel.outcome[0, 3] = 0.0
    assert AS_PRODUCT not in variants_of(panel, "additive")
    bare = replace(panel, drivers=(), driver_values=panel.driver_values[:, :, :0])
    assert variants_of(bare, "additive") == (STIFF, FREE)


def test_variants_stand_before_the_live_run_and_change_no_other_run(inputs):
    plain = fit_tasks(**inputs, settings=TINY, **ORIGINS)
    more = fit_tasks(**inputs, settings=TINY, **ORIGINS, specification_runs=True)
    kinds = [task.run_kind for task in more]
    assert kinds == ["backtest"] * 2 + ["specification"] * 4 + ["live"]
    assert [t.run_id for t in more if t.run_kind != "specification"] == [t.run_id for t in plain]
    assert len({task.run_id for task in more}) == len(more)
    asked = [json.loads(configuration(task, TINY)).get("variant") for task in more]
    assert asked == [None, None, STIFF, FREE, WITHOUT_CONTEXT, AS_PRODUCT, None]


def test_a_variant_has_another_baseline(ledger):
    runs = {run.run_id: run for run in posteriors_from_frame(ledger)}
    asked = dict(
        ledger.filter(pl.col("run_kind") == "specification")
        .select("configuration", "run_id").unique().rows()
    )  # fmt: skip
    by_name = {json.loads(text)["variant"]: runs[run_id] for text, run_id in asked.items()}
    live = next(run for run in runs.values() if run.run_kind == "live")

    def columns(run, group):
        return [c.name for c in run.baseline if c.name.startswith(group)]

    # 80 weeks: bends at 26 and 52; at 13, 26, 39, 52, 65 (13 weeks from the end); at 52
    assert len(columns(live, "hinge")) == 2
    assert len(columns(by_name[FREE], "hinge")) == 5
    assert len(columns(by_name[STIFF], "hinge")) == 1
    assert columns(live, "context") == ["context:price"]
    assert columns(by_name[WITHOUT_CONTEXT], "context") == []
    assert by_name[AS_PRODUCT].kpi_form == "multiplicative"


def test_the_table_has_one_row_for_each_channel_and_variant(inputs, ledger):
    models = inputs["models"].with_columns(
        last_training_week=pl.lit(inputs["outcomes"]["week"].max()), hurdle_roi=1.0
    )
    rest = {name: inputs[name] for name in ("outcomes", "media", "drivers")}
    frame = publish.specifications_table(ledger, models, **rest)
    own = frame.filter(pl.col("dimension") == "baseline")
    live = publish.current_runs(ledger, models)
    assert frame["run_id"].unique().to_list() == live
    assert len(own) == 2 * 4
    assert own["probability"].null_count() == 8
    assert set(own["source_run_id"]).isdisjoint(live)
    assert set(own["specification"]) == {STIFF, FREE, WITHOUT_CONTEXT, AS_PRODUCT}
    others = frame.filter(pl.col("dimension") != "baseline")
    assert others["source_run_id"].unique().to_list() == live


@pytest.mark.parametrize(
    "other",
    [
        pl.col("as_of_week") - pl.duration(weeks=1),
        pl.col("first_training_week") + pl.duration(weeks=1),
        pl.concat_str("code_hash", pl.lit("x")).alias("code_hash"),
        pl.concat_str("model_id", pl.lit("x")).alias("model_id"),
    ],
    ids=["weeks before", "another start", "other code", "another model"],
)
def test_variants_of_other_runs_do_not_count(ledger, other):
    live = next(r for r in posteriors_from_frame(ledger) if r.run_kind == "live")
    assert len(publish.variant_runs(ledger, live)) == 4
    is_variant = pl.col("run_kind") == "specification"
    strange = ledger.filter(is_variant).with_columns(
        other.cast(ledger.schema[other.meta.output_name()])
    )
    assert publish.variant_runs(pl.concat([ledger.filter(~is_variant), strange]), live) == {}


def test_a_variants_answer_by_hand():
    run = planted.posterior(np.array([[[2.0]], [[4.0]]]), 10)
    other = planted.posterior(np.full((3, 1, 1), 8.0), 10, run_id="other")
    panel = planted.panel(np.full((1, 10, 1), 1.0))
    frame = specification_rows(run, panel, [("stiff", other)])
    row = frame.filter(pl.col("dimension") == "baseline").row(0, named=True)
    # hill(1) = 1/2: 4 a week on spend of 1
    assert (row["roi_mean"], row["n_draws"], row["source_run_id"]) == (4.0, 3, "other")
    assert row["effect_p50"] == pytest.approx(40.0)
