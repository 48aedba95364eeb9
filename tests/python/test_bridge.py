"""Parts of the variance bridge against hand computation and simulation."""

import json
from datetime import date

import bridge_world
import duckdb
import numpy as np
import planted
import polars as pl
import pytest
from bridge_world import GEOS, N_NEXT, N_PAST, NODES

from mixloop.bridge import table
from mixloop.bridge.changes import noise_variance
from mixloop.bridge.layout import CAUSES
from mixloop.bridge.record import MEDIA_PRICES, MOVED_MEDIA, RUN_PANELS, Record
from mixloop.bridge.words import Cause, sentence
from mixloop.forecast import error_paths, forecast_rows, stable_rng
from mixloop.forms import in_log_points
from mixloop.variance import variance_rows


def weekly(frame, driver, cause, geo="all"):
    rows = frame.filter(period_type="week", geo=geo, driver_id=driver, cause=cause)
    return rows.sort("week")["variance_mean"].to_numpy()


def later_panels(world, version=1, cut=0.9, number=2):
    """What a run three weeks later was given: a tenth less of c1, 7 less KPI in each geo."""
    rows, known = [], N_PAST + 3
    outcome = bridge_world.kpi(world.volume, world.promotion)
    for j, geo in enumerate(GEOS):
        items = [("kpi", "revenue", outcome[j] - 7.0), ("driver", "context:promo", 0 * outcome[j])]
        items += [
            ("channel", f"c{c}", world.volume[j, :, c] * (cut if c == 1 else 1.0)) for c in range(3)
        ]
        rows += [
            {
                "run_id": "later", "model_id": "m", "as_of_week": planted.weeks(known)[-1].item(),
                "mapping_version": version, "panel_number": number, "geo": geo, "item_type": kind,
                "item_id": name, "first_week": planted.FIRST.item(),
                "spend": values[:known].tolist() if kind == "channel" else None,
                "values": values[:known].tolist(),
            }
            for kind, name, values in items
        ]  # fmt: skip
    return pl.DataFrame(rows, schema=RUN_PANELS)


def test_what_was_first_known_of_the_weeks_is_restated():
    world = bridge_world.as_planned()
    run = bridge_world.true_run()
    plan, today = bridge_world.panels(world)
    before = bridge_world.record_of(world)
    panels = pl.concat([before.panels, later_panels(world)])
    frame = variance_rows(
        run, bridge_world.published(run, plan), today, NODES,
        record=Record(panels, before.moved, before.prices), mapping_version=1,
    )  # fmt: skip
    # c1 was first said to have had a tenth less in three weeks: less spend than planned, restated
    less = world.volume.copy()
    less[:, N_PAST : N_PAST + 3, 1] *= 0.9
    gap = bridge_world.kpi(less, world.promotion) - bridge_world.kpi(world.volume, world.promotion)
    size = gap.sum(axis=0)[N_PAST:]
    np.testing.assert_allclose(weekly(frame, "c1", "spend"), size, atol=1e-9)
    np.testing.assert_allclose(weekly(frame, "c1", "restated"), -size, atol=1e-9)
    kpi = weekly(frame, "kpi", "restated")
    np.testing.assert_allclose(kpi, [14.0] * 3 + [0.0] * (N_NEXT - 3), atol=1e-9)
    np.testing.assert_allclose(weekly(frame, "unexplained", "unexplained"), -kpi, atol=1e-6)


def test_context_that_was_told_otherwise_at_first_is_restated():
    world = bridge_world.as_planned()
    world.promotion[:, N_PAST + 1] = 1.0  # today's tables; three weeks later nobody knew of it
    run = bridge_world.true_run()
    plan, today = bridge_world.panels(world)
    before = bridge_world.record_of(world)
    frame = variance_rows(
        run, bridge_world.published(run, plan), today, NODES,
        record=Record(pl.concat([before.panels, later_panels(world, cut=1.0)]), before.moved),
        mapping_version=1,
    )  # fmt: skip
    size = np.zeros(N_NEXT)
    size[1] = bridge_world.PROMOTION.sum()
    np.testing.assert_allclose(weekly(frame, "context:promo", "restated"), size, atol=1e-9)
    np.testing.assert_allclose(weekly(frame, "context:promo", "context"), 0.0, atol=1e-9)


def test_a_leaf_has_its_part_of_every_cause_of_its_channel():
    """c1 is two leaves, 60 to 40 in every week: so is all that went otherwise than planned."""
    world = bridge_world.as_planned()
    bridge_world.raise_price(world)
    run = bridge_world.true_run()
    plan, today = bridge_world.panels(world)
    parts = [(leaf, "c1", leaf) for leaf in ("c1a", "c1b")]
    nodes = planted.nodes([("c0", "c0"), ("c1", "c1"), ("c2", "c2")], parts=parts)

    def of_leaves(panel):
        return pl.DataFrame(
            [
                {"geo": geo, "week": week.item(), "leaf_id": leaf,
                 "spend": share * panel.spend[j, t, 1], "exposure": share * panel.exposure[j, t, 1]}
                for j, geo in enumerate(GEOS) for t, week in enumerate(panel.weeks)
                for leaf, share in (("c1a", 0.6), ("c1b", 0.4))
            ]
        )  # fmt: skip

    ledger = forecast_rows(
        run, plan, nodes, stable_rng(1, "x"), plan_id="p", plan_source="client",
        leaf_media=of_leaves(plan),
    )  # fmt: skip
    frame = variance_rows(
        run, ledger, today, nodes, of_leaves(today),
        record=bridge_world.record_of(world), mapping_version=1,
    )  # fmt: skip
    whole = weekly(frame, "c1", "media_price")
    assert np.abs(whole).max() > 1
    for leaf, share in (("c1a", 0.6), ("c1b", 0.4)):
        np.testing.assert_allclose(weekly(frame, leaf, "media_price"), share * whole, atol=1e-9)


def test_weeks_first_known_under_another_mapping_are_mapped_back():
    world = bridge_world.as_planned()
    bridge_world.map_anew(world)
    run = bridge_world.true_run()
    plan, today = bridge_world.panels(world)
    before = bridge_world.record_of(world)
    # the later run already saw the line item in c2, where it is today
    new = later_panels(world, version=2)
    shown = {
        (GEOS[j], f"c{c}"): world.shown[j, : N_PAST + 3, c] for j in range(2) for c in range(3)
    }
    values = [
        shown[geo, item].tolist() if kind == "channel" else was
        for geo, item, kind, was in new.select("geo", "item_id", "item_type", "values").iter_rows()
    ]
    new = new.with_columns(pl.Series("values", values, pl.List(pl.Float64)))
    frame = variance_rows(
        run, bridge_world.published(run, plan), today, NODES,
        record=Record(pl.concat([before.panels, new]), before.moved, before.prices),
        mapping_version=1,
    )  # fmt: skip
    for cause in ("spend", "timing"):
        np.testing.assert_allclose(weekly(frame, "c1", cause), 0.0, atol=1e-9)
    assert frame.filter(cause="restated", driver_type="channel").is_empty()
    assert np.abs(weekly(frame, "c1", "mapping")).max() > 1


def test_a_channel_whose_successor_the_run_does_not_know_keeps_its_media():
    world = bridge_world.as_planned()
    bridge_world.map_anew(world)
    for row in world.moved:
        row["to_leaf_id"] = row["to_channel_id"] = "new"
    run = bridge_world.true_run()
    plan, today = bridge_world.panels(world)
    today.exposure[..., 2] = world.money[..., 2]  # nothing came to c2
    frame = variance_rows(
        run, bridge_world.published(run, plan), today, NODES,
        record=bridge_world.record_of(world), mapping_version=1,
    )  # fmt: skip
    assert frame.filter(cause="mapping").is_empty()
    assert np.abs(weekly(frame, "c1", "total")).max() < 1e-9


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_the_spread_of_a_sum_is_that_of_simulated_errors(form):
    sigma = 0.05 if form == "additive" else 0.02  # of a product to first order
    run = planted.posterior(
        np.full((40_000, 1, 1), 0.1), 5, level=1.0, kpi_scale=np.array([50.0]), kpi_form=form,
        sigma=np.full((40_000, 1), sigma), rho=np.full((40_000, 1), 0.6),
        shock_share=np.full((40_000, 1), 0.1),
    )  # fmt: skip
    horizon = np.arange(1, 7)
    weights = np.array([[1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1.0]])
    forecast = np.full((6, 40_000), 50.0)
    errors = error_paths(in_log_points(run) if form == "multiplicative" else run, 0, 6,
                         stable_rng(1, form))  # fmt: skip
    drawn = 50 * np.expm1(errors) if form == "multiplicative" else errors
    simulated = (weights @ drawn).var(axis=1)
    found = noise_variance(run, 0, forecast, horizon, weights).mean(axis=1)
    np.testing.assert_allclose(found, simulated, rtol=0.03 if form == "additive" else 0.06)


def test_the_price_that_was_to_be_expected():
    weeks = planted.weeks(120)
    season = np.where(np.arange(120) % 52 >= 46, np.log(1.2), 0.0)  # dear every December
    logs = season + np.where(np.arange(120) >= 103, np.log(1.5), 0.0)  # a jump after week 102
    prices = pl.DataFrame(
        {
            "mapping_version": 1,
            "is_current": True,
            "geo": "g0",
            "channel_id": "c0",
            "week": weeks,
            "log_price": logs,
        },
        schema=MEDIA_PRICES,
    )
    window = np.arange(120) >= 95  # December is weeks 98 to 103
    record = Record(prices=prices)
    ratio = record.price_ratio(weeks, window, weeks[94], ("g0",), ("c0", "c1"))
    assert ratio.shape == (1, 25, 2)
    np.testing.assert_allclose(ratio[0, :, 1], 1.0)  # no price is known
    np.testing.assert_allclose(ratio[0, 5, 0], 1.0)  # dear as a year ago
    np.testing.assert_allclose(ratio[0, 12:, 0], 1.5)


def test_only_forecasts_with_news_are_split_anew(monkeypatch):
    tables = small_tables()
    first = table.variance_table(**tables)
    assert first["inputs_hash"].n_unique() == 1
    monkeypatch.setattr(table, "variance_rows", None)  # nothing is computed again
    assert table.variance_table(**tables, previous=first).equals(first)
    more = tables["outcomes"].with_columns(outcome=pl.col("outcome") + 1.0)
    with pytest.raises(TypeError):
        table.variance_table(**tables | {"outcomes": more}, previous=first)
    aims = pl.DataFrame(
        {"goal_id": ["g"], "model_id": ["m"], "period_start": [date(2025, 9, 1)],
         "period_end": [date(2025, 12, 31)]},
    )  # fmt: skip
    with pytest.raises(TypeError):
        table.variance_table(**tables, goals=aims, previous=first)
    world = bridge_world.as_planned()
    bridge_world.map_anew(world)
    moved = pl.DataFrame(world.moved, schema=MOVED_MEDIA)
    with pytest.raises(TypeError):
        table.variance_table(**tables, moved_media=moved, previous=first)


def test_a_relation_of_draws_gives_the_same_rows():
    tables = small_tables()
    world = bridge_world.as_planned()
    panels = pl.concat([bridge_world.record_of(world).panels, later_panels(world)])
    connection = duckdb.connect()
    relations = {
        "posterior": connection.from_arrow(tables["posterior"].to_arrow()),
        "run_panels": connection.from_arrow(panels.to_arrow()),
    }
    frames = table.variance_table(**tables, run_panels=panels)
    assert frames.filter(cause="restated").height > 0
    assert table.variance_table(**tables | relations).equals(frames)


def test_nodes_above_a_channel_that_is_no_longer_modelled_add_up():
    tables = small_tables()
    tables["nodes"] = tables["nodes"].filter(pl.col("channel_id") != "c2")
    tables["media"] = tables["media"].filter(pl.col("channel_id") != "c2")
    components = pl.DataFrame(
        {
            "component_id": ["c0", "c1", "c2", "pair", "all media", "team:x"],
            "label": ["c0", "c1", "c2", "pair", "all media", "x"],
            "hierarchy_id": ["main"] * 5 + ["team"],
            "parent_id": ["all media", "pair", "pair", "all media", None, None],
        }
    )
    panels = bridge_world.record_of(bridge_world.as_planned()).panels
    frame = table.variance_table(**tables, components=components, run_panels=panels)
    weeks = frame.filter(period_type="week", geo="all", cause="total", driver_type="channel")
    found = {
        name: weeks.filter(driver_id=name).sort("week")["forecast_mean"].to_numpy()
        for name in weeks["driver_id"].unique()
    }
    assert set(found) == {"c0", "c1", "c2", "pair", "all media"}
    np.testing.assert_allclose(found["all media"], found["c0"] + found["c1"] + found["c2"])
    np.testing.assert_allclose(found["pair"], found["c2"])  # c1 is below it in no node of the model


def test_goals_are_periods_and_lost_draws_stop_the_build():
    tables = small_tables()
    aims = pl.DataFrame(
        {"goal_id": ["autumn", "other"], "model_id": ["m", "n"],
         "period_start": [date(2025, 9, 22)] * 2, "period_end": [date(2025, 10, 20)] * 2},
    )  # fmt: skip
    whole = table.variance_table(**tables, goals=aims)
    assert whole.filter(period_type="goal")["period_id"].unique().to_list() == ["autumn"]
    goal = whole.filter(period_type="goal", geo="all", driver_id="total", cause="total")
    assert goal.select("n_weeks", "n_weeks_of_period").row(0) == (5, 5)
    with pytest.raises(ValueError, match="have no posterior draws, first \\['run'\\]"):
        table.variance_table(**tables | {"posterior": tables["posterior"].clear()})


def small_tables():
    """The planted world with a stopped channel as frames of the warehouse."""
    from mixloop.posterior import posterior_to_frame

    world = bridge_world.as_planned()
    bridge_world.stop_channel(world)
    run = bridge_world.true_run()
    plan, today = bridge_world.panels(world)
    ledger = forecast_rows(
        run, plan, NODES, stable_rng(1, "x"), plan_id="p", plan_source="client"
    ).with_columns(mapping_version=pl.lit(1))
    weeks = today.weeks

    def long(values, **names):
        ((name, items),) = names.items()
        return pl.DataFrame(
            [
                {"model_id": "m", "geo": geo, "week": week.item(), name: item}
                | {column: float(array[j, t, k]) for column, array in values.items()}
                for j, geo in enumerate(GEOS) for t, week in enumerate(weeks)
                for k, item in enumerate(items)
            ]
        )  # fmt: skip

    return {
        "posterior": posterior_to_frame(run),
        "forecasts": ledger,
        "outcomes": long({"outcome": today.outcome[..., None]}, kpi=("revenue",)).drop("kpi"),
        "media": long(
            {"spend": today.spend, "exposure": today.exposure}, channel_id=("c0", "c1", "c2")
        ),
        "drivers": long({"value": today.driver_values}, driver_id=("context:promo",)),
        "nodes": NODES,
    }


def test_ranked_drivers_and_the_sentence():
    tables = small_tables()
    labels = pl.DataFrame({"component_id": ["c2"], "label": ["Radio <b>"]})
    frame = table.variance_table(**tables, components=labels)
    row = frame.filter(driver_id="total", cause="total", geo="all", period_type="quarter").sort(
        "n_weeks"
    )[-1]
    first = json.loads(row["ranked_drivers"].item())[0]
    assert (first["driver_id"], first["cause"], first["rank"]) == ("c2", "spend", 1)
    share = row["variance_mean"].item() / row["forecast_mean"].item()
    assert first["share_of_forecast"] == pytest.approx(share)
    assert row["sentence"].item() == (
        f"{'Q' + row['period_id'].item()[-1]} {row['period_id'].item()[:4]} "
        f"({row['n_weeks'].item()} of 13 weeks) was {-100 * share:.1f}% below forecast: "
        f"less was spent on Radio <b> than planned ({100 * share:.1f}%), "
        "+0.0% is not explained (z 0.0)."
    )


def test_a_sentence_says_the_largest_first():
    less = Cause("tv", "TV", "media_price", -20.0, -30.0, -10.0)
    said = sentence("the week of 2026-06-01", "", 1000.0, -80.0, [less], unexplained=-60.0,
                    z_score=-2.4, weeks=(1, 1))  # fmt: skip
    assert said == (
        "The week of 2026-06-01 was 8.0% below forecast: -6.0% is not explained (z -2.4, unusual), "
        "media of TV became dearer (-2.0%)."
    )
    own = sentence("Q2 2026", "TV", 200.0, -20.0, [less], weeks=(12, 13))
    assert own == (
        "The effect of TV in Q2 2026 (12 of 13 weeks) was 10.0% below forecast: its media became "
        "dearer (-10.0%)."
    )


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_words(cause):
    rows = [Cause("x", "X", cause, mean, mean, mean) for mean in (2.0, -2.0)]
    for row in rows:
        for subject in ("", "X"):
            said = sentence("May 2026", subject, 100.0, row.mean, [row])
            assert said.endswith(f"({row.mean:+.1f}%).") and "{" not in said
            assert said.count("X") == 1
