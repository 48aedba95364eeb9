"""Baseline columns with a known sign: their conditionals exactly, then whole fits."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from dense import (
    P_VALUE,
    SCALES,
    alike,
    assert_distributed,
    cdf_of,
    dense_covariance,
    log_half_cauchy,
    problem_of,
    sampler_of,
)
from prior import RANKS, THIN, UNKNOWN, WARMUP, WORLDS, draw_worlds
from prior import problem_of as world_problem
from scipy import stats

from mixloop.design import build_design
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.gibbs import Sampler
from mixloop.runs import configuration, fit_tasks
from mixloop.sampler import run_chains
from mixloop.signed import Signed, SignedColumns

QUICK = FitSettings(chains=2, warmup=4, sweeps=12, max_sweeps=12, draws=20)
ORIGINS = {"origins": 0, "step_weeks": 13, "horizon_weeks": 13, "first_forecast_weeks_ago": 4}


def signed_of(seed, sign, group, n_geos=1, n_weeks=8):
    values = np.random.default_rng(seed + 50).normal(size=(n_geos, n_weeks, len(sign)))
    return Signed(values, np.array(sign, dtype=float), np.array(group))


def signed_sampler(seed, sign, group, n_chains=20_000, **shape):
    """Chains in one state, without media effects, ready to draw signed columns."""
    signed = signed_of(seed, sign, group, shape.get("n_geos", 1))
    shape = {"n_geos": 1, "n_weeks": 8, "n_columns": 3} | shape
    sampler = sampler_of(seed, n_chains, signed=signed, **shape)
    alike(sampler, np.random.default_rng(seed))
    sampler._prepare()
    return sampler


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("target", [-4.0, 0.0, 4.0])
def test_a_coefficient_is_a_truncated_normal_with_the_free_baseline_integrated_out(sign, target):
    sampler = signed_sampler(3, [sign], [2])
    x = sampler.problem.signed.values[0, :, 0]
    inverse = np.linalg.inv(dense_covariance(sampler, 0, 0))
    root = np.sqrt(x @ inverse @ x + 1.0 / sampler.group_var[0, 2])
    now = sign * (x @ inverse @ sampler.residual[0, 0]) / root
    sampler.residual += sign * (target - now) * root / (x @ inverse @ x) * x
    before = sampler.residual.copy()
    for _ in range(2):  # its own last value must not matter
        sampler.signed._draw(sampler, 0)
    draws = sampler.signed.coef[0, :, 0]
    assert (sign * draws >= 0).all()
    assert_distributed(sign * draws * root, stats.truncnorm(-target, np.inf, loc=target).cdf)
    np.testing.assert_allclose(sampler.residual[0], before[0] - draws[:, None] * x, atol=1e-12)


def test_a_coefficient_is_drawn_around_the_other_signed_columns():
    sampler = signed_sampler(5, [1.0, -1.0], [2, 1])
    x, other = sampler.problem.signed.values[0].T
    y = sampler.residual[0, 0].copy()
    sampler.signed.size[0, :, 1] = 0.7
    sampler.residual += 0.7 * other  # its coefficient is -0.7
    inverse = np.linalg.inv(dense_covariance(sampler, 0, 0))
    precision = x @ inverse @ x + 1.0 / sampler.group_var[0, 2]
    mean = x @ inverse @ (y + 0.7 * other) / precision
    sampler.signed._draw(sampler, 0)
    exact = stats.truncnorm(-mean * np.sqrt(precision), np.inf, mean, precision**-0.5)
    assert_distributed(sampler.signed.coef[0, :, 0], exact.cdf)


def test_scale_and_coefficient_follow_their_joint_by_numerical_integration(n_geos=2):
    """A group of one free and one signed column: draws, stretches and jumps, all else fixed."""
    sampler = signed_sampler(11, [-1.0], [2], 2000, n_geos=n_geos, jumps=np.array([2]))
    sampler.residual *= 0.4
    r, held = sampler.residual[:, 0].copy(), sampler.group_var[0].copy()
    for _ in range(80):
        sampler._prepare()
        sampler.signed.update(sampler)
        sampler._jump_group_scales()
    np.testing.assert_allclose(sampler.group_var[:, :2], np.broadcast_to(held[:2], (2000, 2)))

    log_sd = np.linspace(-7, 5, 200)
    b = np.linspace(0, 12, 3001)
    log_density = np.empty(len(log_sd))
    for at, s in enumerate(log_sd):
        sampler.group_var[0] = np.append(held[:2], np.exp(2 * s))
        log_density[at] = log_half_cauchy(s, SCALES[2])
        for j in range(n_geos):
            covariance = dense_covariance(sampler, j, 0)
            rest = r[j] + b[:, None] * sampler.problem.signed.values[j, :, 0]
            value = -0.5 * np.einsum("bt,ts,bs->b", rest, np.linalg.inv(covariance), rest)
            value += stats.halfnorm.logpdf(b, scale=np.exp(s))
            if np.exp(s) < 0.02:  # the prior is narrower than the grid: the likelihood at zero
                log_density[at] += value[0] - stats.halfnorm.logpdf(0.0, scale=np.exp(s))
            else:
                top = value.max()
                log_density[at] += top + np.log(np.trapezoid(np.exp(value - top), b))
            log_density[at] -= 0.5 * np.linalg.slogdet(covariance)[1]
    sampler.group_var[0] = sampler.group_var[1]
    draws = 0.5 * np.log(sampler.group_var[1:, 2])
    assert_distributed(draws, cdf_of(log_density, log_sd))


def test_stretches_alone_keep_the_joint_of_scale_and_coefficient(n_draws=4000):
    """Without data in the way a stretch must leave prior draws prior draws."""
    sampler = signed_sampler(12, [1.0, 1.0], [2, 2], n_draws, n_columns=2)
    rng = np.random.default_rng(12)
    sampler.sigma2 = np.full_like(sampler.sigma2, 1e12)  # the KPI says nothing
    sampler.residual = sampler.residual * 0.0
    sd = SCALES[2] * np.abs(rng.standard_cauchy(n_draws))
    sampler.group_var[:, 2] = sd**2
    sampler.signed.size = np.abs(rng.normal(size=(1, n_draws, 2))) * sd[:, None]
    for _ in range(30):
        sampler.signed._stretch(sampler, 2)
    moved = np.sqrt(sampler.group_var[:, 2])
    assert (moved != sd).mean() > 0.9
    assert_distributed(moved, stats.halfcauchy(scale=SCALES[2]).cdf)
    assert_distributed(sampler.signed.size[0, :, 1] / moved, stats.halfnorm.cdf)


def test_group_scales_count_signed_coefficients():
    sampler = signed_sampler(6, [1.0], [2], 4000, n_columns=3)
    sampler.baseline_coef = np.tile([0.5, 0.3, 0.2], (1, 4000, 1))
    sampler.signed.size[:] = 0.9
    for _ in range(150):
        sampler._update_group_scales()
    log_sd = np.linspace(-9, 9, 6001)
    log_density = log_half_cauchy(log_sd, SCALES[2])
    for value in (0.2, 0.9):
        log_density = log_density + stats.norm.logpdf(value, scale=np.exp(log_sd))
    assert_distributed(0.5 * np.log(sampler.group_var[:, 2]), cdf_of(log_density, log_sd))


@pytest.mark.slow
def test_true_signed_coefficients_rank_evenly_among_draws(ar1):
    """Simulation-based calibration: a signed column in the group of the hinges."""
    rng = np.random.default_rng(300)
    column = np.random.default_rng(8).normal(size=(1, 40, 1)) + 0.3
    problem = replace(world_problem(1, 1), signed=Signed(column, np.array([-1.0]), np.array([2])))
    truth = draw_worlds(problem, rng, ar1)
    size = np.abs(rng.normal(size=WORLDS)) * np.sqrt(truth.group_var[:, 2])
    sampler = Sampler(problem, WORLDS, rng)
    sampler.residual = truth.y - size[:, None] * column[0, :, 0]
    sampler.residual[0, :, UNKNOWN] = 1.0
    true = {"coefficient": size, "scale": truth.group_var[:, 2], "share": truth.coef[0, :, 0]}
    ranks = {name: np.zeros(WORLDS, dtype=int) for name in true}
    for sweep in range(WARMUP + (RANKS - 1) * THIN):
        sampler.sweep()
        if sweep >= WARMUP and sweep % THIN == 0:
            drawn = (sampler.signed.size[0, :, 0], sampler.group_var[:, 2], sampler.coef[0, :, 0])
            for name, values in zip(true, drawn, strict=True):
                ranks[name] += values < true[name]
    for name, values in ranks.items():
        counts = np.bincount(values, minlength=RANKS)
        assert stats.chisquare(counts).pvalue > P_VALUE, (name, counts)


def test_without_signed_columns_nothing_is_drawn():
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    none = SignedColumns(None, 2, 3)
    none.update(type("Idle", (), {"rng": rng})())
    assert rng.bit_generator.state == before
    assert none.coef.shape == (2, 3, 0)
    assert (none.log_prior(np.ones((3, 2))) == 0.0).all()


def test_chains_hold_free_coefficients_then_signed_ones():
    signed = signed_of(4, [-1.0, 1.0], [2, 2], n_geos=2, n_weeks=12)
    problem = problem_of(4, signed=signed)
    chains = run_chains(problem, n_chains=3, warmup=2, sweeps=8, rng=np.random.default_rng(4))
    assert chains.baseline_coef.shape == (3, 8, 2, 6)
    assert (chains.baseline_coef[..., 4] <= 0).all()
    assert (chains.baseline_coef[..., 5] >= 0).all()
    assert chains.baseline_coef[..., :4].min() < 0 < chains.baseline_coef[..., :4].max()
    assert (chains.baseline_coef[..., 4:].std(axis=(0, 1)) > 0).all()


# --- whole fits ---------------------------------------------------------------------------------


def task_of(panel, **changes):
    values = {
        "run_id": "r",
        "run_kind": "live",
        "model_id": "sales",
        "kpi": "revenue",
        "panel": panel,
        "n_training": len(panel.weeks),
        "media_units": dict.fromkeys(panel.channels, "spend"),
        "share_of_kpi": {},
    }
    return FitTask(**values | changes)


def test_a_design_puts_signed_columns_last(simulate):
    panel = simulate(n_weeks=60).panel
    more = np.concatenate([panel.driver_values, panel.driver_values[..., ::-1] ** 2], axis=2)
    panel = replace(panel, drivers=("context:price", "context:rain"), driver_values=more)
    plain = build_design(panel, 60)
    design = build_design(panel, 60, {"context:price": -1, "context:nobody": 1})
    names = [column.name for column in design.columns]
    assert names[-1] == "context:price"
    assert design.sign.tolist() == [0] * (len(names) - 1) + [-1]
    assert sorted(names) == sorted(column.name for column in plain.columns)
    was = [column.name for column in plain.columns].index("context:price")
    np.testing.assert_array_equal(design.values[..., -1], plain.values[..., was])
    assert plain.sign.tolist() == [0] * len(names)


def test_a_planted_sign_is_found_and_the_other_one_is_not_let_in(simulate):
    world = simulate(n_weeks=104, geos=("north",), channels=("search",), noise=0.03)
    settings = FitSettings(chains=2, warmup=100, sweeps=150, max_sweeps=150, draws=200)

    def price(signs):
        run = fit(task_of(world.panel, signs=signs), settings).posterior
        at = [column.name for column in run.baseline].index("context:price")
        return run.baseline_coef[:, 0, at] / run.baseline[at].scale[0] * run.kpi_scale[0] / 1000

    # planted: -0.01 of the base size for each unit of price
    free, right, wrong = (
        price({}),
        price({"context:price": -1}),
        price({"context:price": 1}),
    )
    assert free.mean() == pytest.approx(-0.01, abs=0.004)
    assert right.mean() == pytest.approx(free.mean(), abs=0.001)
    assert (right <= 0).all()
    assert (wrong >= 0).all()
    assert wrong.mean() < 0.002


def test_signs_come_from_the_drivers_table_and_are_part_of_the_run(simulate, to_frames):
    panel = simulate(n_weeks=60, geos=("north",), channels=("search",)).panel
    inputs = to_frames(panel)
    plain = fit_tasks(**inputs, settings=QUICK, **ORIGINS)[-1]
    none = inputs["drivers"].with_columns(expected_sign=pl.lit(None, dtype=pl.Int64))
    unsaid = fit_tasks(**inputs | {"drivers": none}, settings=QUICK, **ORIGINS)[-1]
    assert (unsaid.signs, unsaid.run_id) == ({}, plain.run_id)
    assert "signs" not in json.loads(configuration(plain, QUICK))
    said = inputs["drivers"].with_columns(expected_sign=pl.lit(-1, dtype=pl.Int64))
    signed = fit_tasks(**inputs | {"drivers": said}, settings=QUICK, **ORIGINS)[-1]
    assert signed.signs == {"context:price": -1}
    assert json.loads(configuration(signed, QUICK))["signs"] == {"context:price": -1}
    assert signed.run_id != plain.run_id
    coef = fit(signed, QUICK).posterior.baseline_coef[..., -1]
    assert (coef <= 0).all()
    assert (coef < 0).any()


def test_signs_hold_beside_pools_shocks_and_several_geos(simulate):
    world = simulate(n_weeks=80, channels=("search", "social"))
    task = task_of(
        world.panel, signs={"context:price": -1}, pools=dict.fromkeys(("search", "social"), "all")
    )
    run = fit(task, QUICK).posterior
    at = [column.name for column in run.baseline].index("context:price")
    assert (run.baseline_coef[..., at] <= 0).all()
    assert np.isfinite(run.coef).all()
    assert run.pools == {"search": "all", "social": "all"}
