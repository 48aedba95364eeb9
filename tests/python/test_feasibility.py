"""What channels can tell: numbers against closed forms, verdicts against planted worlds."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from mixloop.collinearity import (
    MAX_VIF,
    correlations,
    effective_observations,
    lag_one,
    variance_inflation,
    variation,
)
from mixloop.design import baseline_names
from mixloop.feasibility import comparison_set, feasibility_table, read_tree
from mixloop.push_back import Evidence, Thresholds, decide, explain
from mixloop.schemas import FEASIBILITY

FIRST = date(2022, 1, 3)
LIMITS = {name: getattr(Thresholds(), name) for name in Thresholds.__annotations__}


def exactly_correlated(rng, base, rho):
    """A series whose sample correlation with `base` is rho to the last digit."""
    unit = (base - base.mean()) / np.linalg.norm(base - base.mean())
    noise = rng.normal(size=len(base))
    noise -= noise.mean() + unit * (unit @ (noise - noise.mean()))
    return rho * unit + np.sqrt(1 - rho**2) * noise / np.linalg.norm(noise)


# --- numbers ----------------------------------------------------------------------------------


def test_variation_of_one_geo_is_sd_over_mean():
    media = np.array([[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]])  # mean 5, sd 2
    assert variation(media) == pytest.approx(0.4, abs=1e-15)


def test_variation_weighs_geos_by_their_size():
    # ratios 0.5 and 0.1 with means 2 and 10: sqrt((1 + 1) / (4 + 100))
    media = np.array([[1.0, 3.0], [9.0, 11.0]])
    assert variation(media) == pytest.approx(np.sqrt(2 / 104), abs=1e-15)


def test_differences_between_geos_are_no_variation():
    assert variation(np.array([[1.0] * 9, [1000.1] * 9])) == 0.0
    assert np.isnan(variation(np.zeros((2, 3))))


def test_correlation_within_geos_leaves_out_their_levels():
    # pooled over raw values the two would be close to +1; within each geo they move oppositely
    first = np.array([[1.0, 2.0, 3.0], [101.0, 102.0, 103.0]])
    media = np.stack([first, np.array([[3.0, 2.0, 1.0], [103.0, 102.0, 101.0]])], axis=2)
    assert correlations(media)[0, 1] == pytest.approx(-1.0, abs=1e-12)


def test_correlation_is_numpys_in_one_geo():
    media = np.random.default_rng(5).lognormal(size=(1, 60, 4))
    assert np.allclose(correlations(media), np.corrcoef(media[0].T), atol=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.8, 0.95, 0.9995])
def test_vif_of_two_channels_is_closed_form(rho):
    rng = np.random.default_rng(1)
    base = rng.normal(size=120)
    media = np.stack([base, exactly_correlated(rng, base, rho)], axis=1)[None] + 50.0
    found = variance_inflation(correlations(media), 0, [1])
    assert found == pytest.approx(1 / (1 - rho**2), rel=1e-9)


def test_vif_of_many_channels_is_the_regressions():
    rng = np.random.default_rng(2)
    media = rng.lognormal(size=(3, 40, 6))
    media[:, :, 5] = media[:, :, :5] @ [0.2, 1.0, 0.0, 3.0, 0.5] + rng.normal(0, 0.4, (3, 40))
    dummies = np.kron(np.eye(3), np.ones((40, 1)))  # a level for every geo
    flat = media.reshape(120, 6)
    for c in range(6):
        X = np.hstack([dummies, np.delete(flat, c, axis=1)])
        fitted = X @ np.linalg.lstsq(X, flat[:, c], rcond=None)[0]
        level = dummies @ np.linalg.lstsq(dummies, flat[:, c], rcond=None)[0]
        r2 = 1 - ((flat[:, c] - fitted) ** 2).sum() / ((flat[:, c] - level) ** 2).sum()
        others = [k for k in range(6) if k != c]
        found = variance_inflation(correlations(media), c, others)
        assert found == pytest.approx(1 / (1 - r2), rel=1e-8)


def test_vif_at_its_limits():
    x = np.random.default_rng(3).normal(size=30) + 9
    media = np.stack([x, 2 * x, np.ones(30), x[::-1]], axis=1)[None]
    corr = correlations(media)
    assert variance_inflation(corr, 0, [1, 3]) == MAX_VIF
    assert np.isnan(variance_inflation(corr, 2, [0]))
    assert variance_inflation(corr, 0, [2]) == 1.0
    assert variance_inflation(corr, 0, []) == 1.0


def test_lag_one_by_hand():
    # deviations -1, 0, 1, 0 and, in the other geo, 1, -1, 1, -1: (0 + 0 + 0 - 3) / (2 + 4)
    media = np.array([[4.0, 5.0, 6.0, 5.0], [2.0, 0.0, 2.0, 0.0]])
    assert lag_one(media) == pytest.approx(-0.5)
    assert effective_observations(media) == 8.0  # never more than there are


@pytest.mark.parametrize("r", [0.3, 0.6, 0.9])
def test_effective_observations_say_how_uncertain_a_mean_is(r):
    """The variance of the mean of n autocorrelated weeks is that of n_eff independent ones."""
    rng = np.random.default_rng(4)
    n, worlds = 2000, 4000
    x = np.empty((worlds, n))
    x[:, 0] = rng.normal(size=worlds)
    for t in range(1, n):
        x[:, t] = r * x[:, t - 1] + np.sqrt(1 - r**2) * rng.normal(size=worlds)
    simulated = 1.0 / x.mean(axis=1).var()  # weeks have variance one
    assert n * (1 - r) / (1 + r) == pytest.approx(simulated, rel=0.08)
    assert effective_observations(x[:1]) == pytest.approx(simulated, rel=0.4)
    pooled = np.mean([effective_observations(x[k : k + 1]) for k in range(200)])
    assert pooled == pytest.approx(simulated, rel=0.08)


def test_effective_observations_of_a_constant_are_unknown():
    assert np.isnan(effective_observations(np.full((1, 9), 7.0)))


# --- worlds -----------------------------------------------------------------------------------

TREE = pl.DataFrame(
    [
        ("all", None, "All media", False),
        ("tv", "all", "TV", True),
        ("social", "all", "Paid social", False),
        ("brand", "social", "Brand social", True),
        ("perf", "social", "Performance social", True),
        ("perf_a", "perf", "Network A", False),
        ("perf_b", "perf", "Network B", False),
        ("perf_quiet", "perf", "Network C", False),
        ("search", "all", "Search", False),
        ("generic", "search", "Generic search", True),
        ("unmapped", None, "Unmapped", False),
    ],
    schema=["channel_id", "parent_id", "label", "is_modelled"],
    orient="row",
).with_columns(hierarchy_id=pl.lit("main"))
LEAVES = {
    "tv": ("tv", "all"),
    "brand": ("brand", "social", "all"),
    "perf_a": ("perf_a", "perf", "social", "all"),
    "perf_b": ("perf_b", "perf", "social", "all"),
    "generic": ("generic", "search", "all"),
    "unmapped": ("unmapped",),
}


def media_frame(series, geos=("a",), units=None, order=1):
    """Rows of int_mixloop__model_node_media from leaf series (T,) or (J, T); zeros have no row."""
    units = units or {}
    sums: dict[tuple, float] = {}
    for leaf, values in series.items():
        for j, geo in enumerate(geos):
            for t, value in enumerate(np.broadcast_to(values, (len(geos), len(values.T)))[j]):
                for node in LEAVES[leaf]:
                    if value > 0:
                        sums[node, geo, t] = sums.get((node, geo, t), 0.0) + float(value)
    rows = [
        {
            "model_id": "m",
            "geo": geo,
            "week": FIRST + timedelta(weeks=t),
            "node_id": node,
            "media_unit": units.get(node, "spend"),
            "spend": 0.0 if units.get(node) == "impressions" else value,
            "exposure": value,
        }
        for (node, geo, t), value in sums.items()
    ]
    return pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=order)


def run(series, *, geos=("a",), units=None, tree=TREE, limits=None, missing=0, order=1):
    n_weeks = np.asarray(next(iter(series.values()))).shape[-1]
    weeks = [FIRST + timedelta(weeks=t) for t in range(n_weeks)]
    outcomes = pl.DataFrame(
        [
            {"model_id": "m", "geo": g, "week": w, "outcome": None if t < missing else 100.0}
            for g in geos
            for t, w in enumerate(weeks)
        ],
        schema_overrides={"outcome": pl.Float64},
    )
    drivers = pl.DataFrame(
        [
            {"model_id": "m", "geo": g, "week": w, "driver_id": "context:price", "value": t % 5.0}
            for g in geos
            for t, w in enumerate(weeks)
        ]
    )
    models = pl.DataFrame({"model_id": ["m"], "n_training_weeks": [n_weeks]})
    found = feasibility_table(
        tree,
        models,
        media_frame(series, geos, units, order),
        outcomes,
        drivers,
        thresholds=LIMITS | (limits or {}),
    )
    assert dict(found.schema) == FEASIBILITY
    return {row["node_id"]: row for row in found.iter_rows(named=True)}


def world(seed=1, n_weeks=120, **over):
    """Five independent leaf series of similar size."""
    rng = np.random.default_rng(seed)
    base = {leaf: rng.lognormal(3.0, 0.5, n_weeks) for leaf in LEAVES if leaf != "unmapped"}
    return base | over


def alike(rho, seed=7, n_weeks=120):
    """Two positive series with this sample correlation."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=n_weeks)
    first = (first - first.mean()) / np.linalg.norm(first - first.mean())
    second = exactly_correlated(rng, first, rho)
    return 30 + 60 * first, 20 + 40 * second


def test_independent_channels_are_modelled():
    found = run(world())
    modelled = {n for n, row in found.items() if row["node_role"] == "modelled"}
    assert modelled == {"tv", "brand", "perf", "generic"}
    assert {found[n]["verdict"] for n in modelled} == {"model"}
    assert all(found[n]["vif"] < 1.5 for n in modelled)


@pytest.mark.parametrize(("rho", "verdict"), [(0.89, "model"), (0.95, "pool"), (0.9995, "merge")])
def test_siblings_that_move_together(rho, verdict):
    brand, perf = alike(rho)
    found = run(world(brand=brand, perf_a=perf * 0.5, perf_b=perf * 0.5))
    for node, other in (("brand", "perf"), ("perf", "brand")):
        row = found[node]
        assert row["verdict"] == verdict
        assert row["moves_with"] == other
        assert row["is_sibling"]
        assert row["nearest_sibling_id"] == other
        assert row["correlation"] == pytest.approx(rho, abs=1e-9)
        assert row["vif"] >= 1 / (1 - rho**2) - 1e-6  # the others can only add
    assert found["tv"]["verdict"] == found["generic"]["verdict"] == "model"
    if verdict == "pool":
        assert (
            "moves together with its sibling Performance social (correlation 0.95"
            in (found["brand"]["reason"])
        )
        assert "range of Paid social is the one to trust" in found["brand"]["reason"]


def test_constant_spend_is_held_fixed():
    found = run(world(tv=np.full(120, 25.0)))
    row = found["tv"]
    assert (row["verdict"], row["variation"], row["vif"], row["moves_with"]) == (
        "hold_fixed",
        0.0,
        None,
        None,
    )
    assert row["effective_observations"] is None
    assert "varies by 0% around its mean (less than 5.0%)" in row["reason"]
    nearly = 25.0 * (1 + 0.04 * np.where(np.arange(120) % 2, 1, -1))
    assert run(world(tv=nearly))["tv"]["verdict"] == "hold_fixed"
    assert run(world(tv=nearly))["tv"]["variation"] == pytest.approx(0.04)


def test_five_active_weeks_are_tested_first():
    short = np.zeros(120)
    short[[3, 30, 31, 70, 100]] = 90.0
    row = run(world(tv=short))["tv"]
    assert (row["verdict"], row["active_weeks"], row["history_weeks"]) == ("test_first", 5, 117)
    assert row["share_of_active_weeks"] == pytest.approx(5 / 120)
    assert row["reason"].startswith("It ran in 5 of 120 weeks; at least 12 are needed")


def test_a_week_counts_once_whatever_the_number_of_geos():
    series = world()
    north = np.zeros((2, 120))
    north[0, 10:20] = 50.0
    north[1, 15:30] = 50.0
    row = run(series | {"tv": north}, geos=("a", "b"))["tv"]
    assert (row["active_weeks"], row["history_weeks"]) == (20, 110)


def test_alike_with_a_channel_that_is_no_sibling():
    tv, generic = alike(0.95)
    found = run(world(tv=tv, generic=generic))
    assert found["generic"]["verdict"] == "test_first"
    assert found["generic"]["moves_with"] == "tv"
    assert not found["generic"]["is_sibling"]
    assert "no sibling and cannot be pooled" in found["generic"]["reason"]


def test_moving_against_each_other_is_as_bad_as_together():
    brand, perf = alike(-0.95)
    row = run(world(brand=brand, perf_a=perf, perf_b=perf))["brand"]
    assert row["verdict"] == "pool"
    assert "moves against its sibling" in row["reason"]


def test_vif_speaks_where_no_pair_does():
    """brand is the sum of three independent channels: pairs at 0.58, VIF without limit."""
    series = world(n_weeks=300)
    series["perf_b"] = np.zeros(300)
    total = 2 * series["perf_a"] + series["tv"] + series["generic"]
    found = run(series | {"brand": total})
    row = found["brand"]
    assert abs(row["correlation"]) < 0.9
    assert row["vif"] == MAX_VIF
    assert (row["moves_with"], row["verdict"]) == ("perf", "merge")
    assert "together explain 100% of its ups and downs" in row["reason"]


def test_small_channels():
    series = world()
    found = run(series | {"brand": series["brand"] / 500, "tv": series["tv"] / 500})
    assert found["brand"]["share_of_spend"] < 0.01
    assert (found["brand"]["verdict"], found["brand"]["nearest_sibling_id"]) == ("pool", "perf")
    assert (found["tv"]["verdict"], found["tv"]["nearest_sibling_id"]) == ("test_first", None)


def test_channels_without_spend_are_not_small():
    row = run(world(), units={"tv": "impressions"})["tv"]
    assert (row["spend"], row["share_of_spend"], row["verdict"]) == (0.0, 0.0, "model")


def test_shares_are_of_all_spend_unmapped_included():
    even = {leaf: np.full(60, 10.0) + np.arange(60) % 7 for leaf in LEAVES}
    found = run(even)
    assert found["tv"]["share_of_spend"] == pytest.approx(1 / 6)
    assert found["perf"]["share_of_spend"] == pytest.approx(2 / 6)
    assert found["all"]["share_of_spend"] == pytest.approx(5 / 6)
    assert "unmapped" not in found


def test_children_say_what_finer_would_do():
    a, b = alike(0.97)
    found = run(world(perf_a=a, perf_b=b))
    assert found["perf"]["verdict"] == "model"
    assert (found["perf_a"]["node_role"], found["perf_a"]["verdict"]) == ("child", "pool")
    assert found["perf_a"]["moves_with"] == "perf_b"
    assert found["perf_a"]["reason"].startswith("It is measured as part of Performance social. ")
    assert "perf_quiet" not in found  # no media, nothing to say
    # against its siblings and the model's other channels, never against its own parent
    tree = read_tree(TREE)
    active = frozenset({"tv", "brand", "perf", "perf_a", "perf_b", "generic"})
    assert comparison_set(tree, "perf_a", active) == ["brand", "generic", "perf_b", "tv"]
    assert comparison_set(tree, "perf", active) == ["brand", "generic", "tv"]


def test_grandchildren_stand_in_for_everything_below_the_modelled_node():
    deeper = pl.concat(
        [
            TREE,
            pl.DataFrame(
                [("a1", "perf_a", "A1", False, "main"), ("a2", "perf_a", "A2", False, "main")],
                schema=TREE.columns,
                orient="row",
            ),
        ]
    )
    active = frozenset({"tv", "brand", "perf", "perf_a", "perf_b", "a1", "a2"})
    assert comparison_set(read_tree(deeper), "a1", active) == ["a2", "brand", "perf_b", "tv"]


def test_subtotals_have_no_verdict():
    row = run(world())["social"]
    assert (row["node_role"], row["verdict"], row["vif"], row["moves_with"]) == (
        "subtotal",
        None,
        None,
        None,
    )
    assert row["reason"] == "A subtotal: the sum of the modelled channels below it."


def test_modelled_without_any_media():
    series = world()
    del series["tv"]
    row = run(series)["tv"]
    assert (row["verdict"], row["active_weeks"], row["history_weeks"]) == ("test_first", 0, 0)
    assert "the model leaves it out" in row["reason"]
    assert run(series)["brand"]["moves_with"] != "tv"


def test_late_start_is_said():
    late = np.where(np.arange(120) < 80, 0.0, world()["tv"])
    row = run(world(tv=late))["tv"]
    assert (row["history_weeks"], row["verdict"]) == (40, "model")
    assert row["reason"].endswith("Its media began only 40 weeks before the end of the history.")


def test_rows_per_column_count_the_models_own_columns():
    found = run(world(), geos=("a", "b"), missing=3)["tv"]
    # baseline of 120 weeks with one driver, and four channels, in each of two geos
    columns = len(baseline_names(120, np.datetime64(FIRST), ("context:price",))) + 4
    assert columns == 2 + 4 + 8 + 1 + 4  # level, trend; hinges; seasons; price; channels
    assert (found["training_rows"], found["model_columns"]) == (2 * 117, 2 * columns)
    assert found["rows_per_column"] == pytest.approx(117 / columns)


def test_other_hierarchies_are_not_read():
    other = TREE.filter(pl.col("channel_id") != "unmapped").with_columns(
        hierarchy_id=pl.lit("team"), is_modelled=pl.lit(True)
    )
    assert run(world(), tree=pl.concat([TREE, other])) == run(world())


def test_two_runs_and_any_row_order_are_the_same():
    assert run(world(), geos=("a", "b")) == run(world(), geos=("a", "b"), order=2)


def test_no_models_no_rows():
    no_models = pl.DataFrame(schema={"model_id": pl.String, "n_training_weeks": pl.Int64})
    media = media_frame(world())
    found = feasibility_table(
        TREE, no_models, media, pl.DataFrame(), pl.DataFrame(), thresholds=LIMITS
    )
    assert found.is_empty()
    assert dict(found.schema) == FEASIBILITY


# --- precedence and words ---------------------------------------------------------------------


def evidence(**over):
    facts = {
        "role": "modelled",
        "label": "X",
        "n_weeks": 100,
        "active_weeks": 100,
        "history_weeks": 100,
        "spend": 500.0,
        "share_of_spend": 0.2,
        "variation": 0.5,
        "effective_observations": 80.0,
        "vif": 1.2,
        "moves_with": "y",
        "moves_with_label": "Y",
        "correlation": 0.3,
        "is_sibling": True,
        "nearest_sibling": "y",
        "parent_label": "P",
        "modelled_label": "X",
    }
    return Evidence(**facts | over)


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({}, ("model", "fine")),
        ({"active_weeks": 12}, ("model", "fine")),
        # each next one is stronger than all before it
        ({"share_of_spend": 0.009}, ("pool", "small")),
        ({"share_of_spend": 0.009, "nearest_sibling": None}, ("test_first", "small")),
        (
            {"share_of_spend": 0.009, "correlation": 0.9, "is_sibling": False},
            ("test_first", "alike"),
        ),
        ({"share_of_spend": 0.009, "correlation": 0.9}, ("pool", "alike")),
        ({"vif": 10.0}, ("pool", "alike")),
        ({"vif": 999.0, "correlation": 0.9989}, ("pool", "alike")),
        ({"vif": 1000.0}, ("merge", "alike")),
        ({"correlation": -0.999}, ("merge", "alike")),
        ({"correlation": 0.9999, "is_sibling": False}, ("test_first", "alike")),
        ({"correlation": 0.9999, "variation": 0.049}, ("hold_fixed", "flat")),
        ({"variation": 0.0, "active_weeks": 11}, ("test_first", "few_weeks")),
        ({"role": "subtotal", "active_weeks": 0}, (None, "subtotal")),
    ],
)
def test_precedence(over, expected):
    assert decide(evidence(**over), Thresholds(), unit="spend") == expected


def test_thresholds_are_what_they_are_set_to():
    strict = Thresholds(correlation_warn=0.25)
    assert decide(evidence(), strict, unit="spend") == ("pool", "alike")
    found = run(world(), limits={"min_active_weeks": 121})
    assert {r["verdict"] for r in found.values()} == {None, "test_first"}


def test_long_and_odd_labels_are_cut_in_sentences():
    found = evidence(correlation=0.95, moves_with_label="<b>\n\u202e" + "ü" * 10_000)
    said = explain(found, *decide(found, Thresholds(), unit="spend"), Thresholds(), unit="spend")
    assert len(said) < 400
    assert "<b> ü" in said  # text is data: escaping is for whoever shows it
    assert "\n" not in said
    assert "\u202e" not in said  # the rest of the sentence keeps its direction
