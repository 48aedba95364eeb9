import numpy as np
import planted
import polars as pl
import pytest

from mixloop.evaluate import align, baseline_effects, hierarchy_components, media_effects
from mixloop.frames import grid_frame, summarise
from mixloop.shapes import distinct_shapes
from mixloop.transforms import adstock, adstock_weights, hill


def test_effect_of_one_week_by_hand():
    # hill(u) = u / (u + 1): exposure at its scale gives half of coef x kpi_scale
    run = planted.posterior([[[0.2]], [[0.4]]], 3, kpi_scale=np.array([50.0]))
    effects = media_effects(run, planted.panel([[[0.0], [1.0], [3.0]]]))
    assert effects.shape == (2, 1, 3, 1)
    np.testing.assert_allclose(effects[:, 0, :, 0], [[0.0, 5.0, 7.5], [0.0, 10.0, 15.0]])


def test_exposure_scale_of_the_run_counts_not_the_panels():
    run = planted.posterior([[[1.0]]], 1, exposure_scale=np.array([[4.0]]))
    np.testing.assert_allclose(media_effects(run, planted.panel([[[12.0]]])).ravel(), [0.75])


def test_lead_in_exposure_carries_over():
    # geometric 0.5 over one lag: weights 2/3, 1/3; the lead-in week's 3 gives u = 1 a week later
    run = planted.posterior([[[1.0]]], 1, decay=np.array([[0.5]]), carryover_weeks=1)
    effects = media_effects(
        run, planted.panel([[[3.0], [0.0]]], first=planted.FIRST - planted.WEEK)
    )
    np.testing.assert_allclose(effects.ravel(), [2 / 3, 1 / 2])


def test_mixed_transforms_equal_a_loop_over_draws():
    run, panel = planted.world(n_draws=25)
    effects = media_effects(run, panel)
    for s in range(25):
        for c in range(len(run.channels)):
            weights = adstock_weights(run.kernel[s, c], run.decay[s, c], run.carryover_weeks)
            u = adstock(panel.exposure[:, :, c] / run.exposure_scale[:, None, c], weights)
            expected = hill(u, run.half[s, c], run.slope[s, c])
            expected = expected * (run.coef[s, :, c] * run.kpi_scale)[:, None]
            np.testing.assert_allclose(effects[s, :, :, c], expected, rtol=1e-12)


def test_equal_draws_share_one_transform():
    run, _ = planted.world(n_draws=60)
    for c, shapes in enumerate(distinct_shapes(run)):
        keys = set(
            zip(run.kernel[:, c], run.decay[:, c], run.half[:, c], run.slope[:, c], strict=True)
        )
        assert len(shapes.half) == len(keys)


def test_baseline_by_hand():
    column = planted.BaselineColumn(
        "context:price", "context:price", np.array([2.0]), np.array([4.0])
    )
    run = planted.posterior(
        [[[0.0]]], 2, level=0.9, drivers={"context:price": -0.1}, kpi_scale=np.array([100.0])
    )
    run = planted.replace(run, baseline=(run.baseline[0], column))
    panel = planted.panel([[[0.0], [0.0]]], drivers={"context:price": [[2.0, 10.0]]})
    effects = baseline_effects(run, panel)
    np.testing.assert_allclose(effects["level"][0, 0], [90.0, 90.0])
    np.testing.assert_allclose(effects["context:price"][0, 0], [0.0, -20.0])


def test_columns_of_one_component_are_added():
    run, panel = planted.world(n_draws=5)
    two = planted.replace(run.baseline[1], component="season")
    together = planted.replace(run, baseline=(run.baseline[0], two, *run.baseline[2:]))
    apart, joined = baseline_effects(run, panel), baseline_effects(together, panel)
    assert set(joined) == {"level", "season", "context:price"}
    np.testing.assert_allclose(joined["season"], apart["trend"] + apart["season"])


def test_align_reorders_drops_and_fills():
    run = planted.posterior([[[1.0, 1.0], [1.0, 1.0]]], 1, drivers={"context:b": 1.0})
    panel = planted.panel(
        [[[1.0, 2.0]], [[3.0, 4.0]]],
        outcome=[[5.0], [6.0]],
        drivers={"context:a": [[7.0], [8.0]]},
        geos=("g1", "other"),
    )
    panel = planted.replace(panel, channels=("c1", "new"))
    found = align(run, panel)
    assert (found.geos, found.channels, found.drivers) == (
        ("g0", "g1"),
        ("c0", "c1"),
        ("context:b",),
    )
    np.testing.assert_array_equal(found.outcome, [[np.nan], [5.0]])
    np.testing.assert_array_equal(found.exposure, [[[0.0, 0.0]], [[0.0, 1.0]]])
    assert np.isnan(found.driver_values).all()


def test_nodes_without_fitted_channels_are_left_out_and_unlisted_channels_added():
    run = planted.posterior([[[1.0, 1.0]]], 1)
    listed = [("all", "c0"), ("all", "gone"), ("gone", "gone"), ("c0", "c0")]
    parts = hierarchy_components(run, planted.nodes(listed))
    assert parts.ids == ("all", "c0", "c1")
    assert parts.is_additive.tolist() == [False, True, True]
    assert parts.members.tolist() == [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_nodes_of_other_models_do_not_count():
    run = planted.posterior([[[1.0]]], 1)
    assert hierarchy_components(run, planted.nodes([("x", "c0")], model_id="other")).ids == ("c0",)


def test_summarise_known_quantiles():
    # 0..20 in any order: linear quantiles of 21 draws fall on the draws 1, 10 and 19
    draws = np.random.default_rng(0).permutation(21).astype(float)
    np.testing.assert_allclose(summarise(draws), [10.0, 1.0, 10.0, 19.0])


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_summarise_agrees_with_numpy(count):
    draws = np.random.default_rng(count).normal(size=(3, count))
    expected = [draws.mean(axis=1), *np.quantile(draws, [0.05, 0.5, 0.95], axis=1)]
    np.testing.assert_allclose(summarise(draws), np.stack(expected, axis=1))


def test_summarise_unknown_draws_stay_unknown():
    found = summarise(np.array([[1.0, np.nan], [1.0, 3.0]]))
    assert np.isnan(found[0]).all()
    assert found[1, 2] == 2.0


def test_grid_frame_keeps_order_and_nulls_what_is_not_finite():
    frame = grid_frame({"a": ["x", "y"], "b": [1, 2]}, {"v": [[1.0, np.inf], [np.nan, 4.0]]})
    expected = {"a": ["x", "x", "y", "y"], "b": [1, 2, 1, 2], "v": [1.0, None, None, 4.0]}
    assert frame.to_dict(as_series=False) == expected
    assert frame.schema["v"] == pl.Float64
