"""Fits of worlds with two siblings that can hardly be told apart."""

from dataclasses import replace

import numpy as np
import pytest

from mixloop.evaluate import media_effects
from mixloop.fit import FitSettings, FitTask, fit, pooled
from mixloop.gibbs import Sampler
from mixloop.pooled import PooledSampler
from mixloop.transforms import adstock, adstock_weights, hill

QUICK = FitSettings(chains=2, warmup=4, sweeps=12, max_sweeps=12, draws=20)
POOL = {"brand": "social", "performance": "social"}


def twins(simulate, correlation, **world):
    """A world with two siblings of equal return whose spend has the given correlation.

    Returns the panel and the siblings' true effects, (J, T, 2).
    """
    made = simulate(channels=("search", "tv"), **world).panel
    rng = np.random.default_rng(99)
    j, t = made.outcome.shape
    brand = rng.lognormal(0.0, 0.5, (j, t))
    other = rng.lognormal(0.0, 0.5, (j, t))
    low, high = 0.0, 1.0
    for _ in range(40):
        part = 0.5 * (low + high)
        performance = 0.5 * ((1 - part) * brand + part * other)
        found = np.corrcoef(brand.ravel(), performance.ravel())[0, 1]
        low, high = (part, high) if found > correlation else (low, part)
    spend = np.stack([brand, performance], axis=2)
    scaled = spend / spend.max(axis=1, keepdims=True)
    response = hill(
        adstock(np.moveaxis(scaled, 1, 2), adstock_weights("geometric", 0.3, 12)), 1.4, 1.0
    )
    response = np.moveaxis(response, 1, 2)
    share = 0.2 * spend.sum(axis=1) / spend.sum(axis=(1, 2), keepdims=True)[:, 0]
    effect = share[:, None] * response / response.mean(axis=1, keepdims=True)
    effect *= 1000.0 * np.arange(1, j + 1)[:, None, None]
    exposure = np.concatenate([made.exposure[:, :, :1], spend, made.exposure[:, :, 1:]], axis=2)
    panel = replace(
        made,
        channels=("search", "brand", "performance", "tv"),
        exposure=exposure,
        spend=exposure,
        outcome=made.outcome + effect.sum(axis=2),
    )
    return panel, effect


def task_of(panel, pools, **changes):
    values = {
        "run_id": "r",
        "run_kind": "live",
        "model_id": "sales",
        "kpi": "revenue",
        "panel": panel,
        "n_training": len(panel.weeks),
        "media_units": dict.fromkeys(panel.channels, "spend"),
        "share_of_kpi": {},
        "pools": pools,
    }
    return FitTask(**(values | changes))


def test_only_pools_of_two_active_channels_count(simulate):
    assert pooled(("brand", "tv"), POOL) == {}
    panel, _ = twins(simulate, 0.9, n_weeks=60)
    assert fit(task_of(panel, POOL), QUICK).posterior.pools == POOL
    assert fit(task_of(panel, {"brand": "social"}), QUICK).posterior.pools == {}
    exposure = panel.exposure.copy()
    exposure[:, :, 2] = 0.0
    silent = fit(task_of(replace(panel, exposure=exposure), POOL), QUICK)
    assert silent.dropped_channels == ("performance",)
    assert silent.posterior.pools == {}
    alone = fit(task_of(replace(panel, exposure=exposure), {}), QUICK)
    np.testing.assert_array_equal(silent.posterior.coef, alone.posterior.coef)


def test_the_spread_must_be_above_zero():
    with pytest.raises(ValueError, match="mixloop__pool_spread must be above zero, not 0"):
        FitSettings(pool_spread=0.0)


def test_a_pool_is_judged_by_its_total_too(simulate, monkeypatch):
    panel, _ = twins(simulate, 0.9, n_weeks=60)
    sweep = PooledSampler.sweep

    def held(self):
        sweep(self)
        self.total = np.broadcast_to([[[0.1], [0.2]]], self.total.shape).copy()

    monkeypatch.setattr(PooledSampler, "sweep", held)  # chains that never agree on the total
    diagnostics = fit(task_of(panel, POOL), QUICK).diagnostics
    for channel in POOL:
        assert not (diagnostics[f"channel:{channel}"][:, 0] < 1.5).any()
    assert (diagnostics["channel:tv"][:, 0] < 1e3).all()


def test_the_unit_of_media_does_not_matter_to_pools(simulate):
    panel, _ = twins(simulate, 0.9, n_weeks=60)
    plain = fit(task_of(panel, POOL), QUICK).posterior
    scaled = fit(task_of(replace(panel, exposure=1024 * panel.exposure), POOL), QUICK).posterior
    np.testing.assert_array_equal(plain.coef, scaled.coef)


@pytest.mark.parametrize("correlation", [0.95, 0.99])
def test_siblings_alike_converge_and_their_sum_is_found(simulate, correlation):
    panel, effect = twins(simulate, correlation, geos=("north",))
    settings = FitSettings(warmup=250, sweeps=500, max_sweeps=2000)
    result = fit(task_of(panel, POOL), settings)
    figures = np.array(list(result.diagnostics.values()))
    assert figures[..., 0].max() < 1.01
    assert figures[..., 1:].min() >= 400
    assert result.n_sweeps <= 1000
    draws = media_effects(result.posterior, panel)[:, 0, :, 1:3].sum(axis=1)  # (S, 2)
    truth = effect.sum(axis=(0, 1))
    low, high = np.quantile(draws.sum(axis=1), [0.005, 0.995])
    assert low < truth.sum() < high
    assert np.abs(draws.mean(axis=0) / truth - 1.0).max() < 0.35
    # the split is what is left to the prior: spread around equal returns
    ratio = draws[:, 0] / draws[:, 1] * truth[1] / truth[0]
    assert 0.15 < np.log(ratio).std() < 0.6


def test_without_pools_the_plain_sampler_runs(simulate, monkeypatch):
    panel, _ = twins(simulate, 0.9, n_weeks=60)
    monkeypatch.setattr(PooledSampler, "sweep", None)
    fit(task_of(panel, {}), QUICK)
    monkeypatch.undo()
    assert issubclass(PooledSampler, Sampler)
