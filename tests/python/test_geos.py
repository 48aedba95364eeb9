"""Geos around one centre: closed forms by quadrature and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from prior import problem_of, with_geos
from scipy import integrate, stats

from mixloop.geos import GeoCentres, exposure_intensity, log_evidence, log_spread_prior
from mixloop.gibbs import Sampler


def test_the_evidence_is_the_integral_over_coefficients():
    linear, known = np.array([[3.0], [-1.0]]), np.array([[10.0], [4.0]])
    mean = np.array([[0.2], [0.5]])

    def by_quadrature(j, spread):
        prior = stats.truncnorm(-1 / spread, np.inf, mean[j, 0], spread * mean[j, 0])

        def density(b):
            return prior.pdf(b) * np.exp(linear[j, 0] * b - 0.5 * known[j, 0] * b**2)

        value, _ = integrate.quad(density, 0, prior.ppf(1 - 1e-13), epsabs=1e-12)
        return np.log(value)

    for spread in (0.1, 0.6, 2.0):
        found = log_evidence(linear, known, mean, np.array([spread]))[0]
        assert found == pytest.approx(by_quadrature(0, spread) + by_quadrature(1, spread), abs=1e-7)


def test_intensity_is_the_root_of_exposure_for_the_size_of_the_geo():
    exposure = np.zeros((3, 2, 2))
    exposure[:, :, 0] = [[8.0, 0.0], [4.0, 4.0], [9.0, 9.0]]  # 4, 4 and 9 a week
    exposure[1, :, 1] = 5.0  # the second channel ran in one geo only
    found = exposure_intensity(exposure, np.array([4.0, 1.0, 1.0]))
    np.testing.assert_allclose(found[0], np.array([1.0, 2.0, 3.0]) / 2.0)
    np.testing.assert_allclose(found[1], [1.0, 1.0, 1.0])


def test_a_centre_is_the_mean_share_of_the_geos_where_the_channel_ran():
    problem = with_geos(problem_of(3, 1))
    media = problem.media.copy()
    media[0, 2] = 0.0  # it never ran in the third
    sampler = Sampler(replace(problem, media=media), 2, np.random.default_rng(0))
    slope = sampler.geo_slope[0]  # (J, G)
    shares = slope[:2] * media[0, :2].mean(axis=2)
    np.testing.assert_allclose(shares.mean(axis=0), 1.0)
    np.testing.assert_allclose(
        slope / slope[0], np.broadcast_to(problem.intensity[0] / problem.intensity[0, 0], (4, 3)).T
    )


def test_one_geo_needs_no_centre():
    problem = replace(problem_of(1, 1), intensity=np.ones((1, 1)))
    assert Sampler(problem, 2, np.random.default_rng(0)).geos is None


@pytest.mark.parametrize("known", [0.0, 400.0])
def test_centre_and_spread_follow_their_joint_by_numerical_integration(known):
    """Many chains of one unit against a grid over centre and spread, coefficients integrated."""
    n, scale = 20000, 0.1
    rng = np.random.default_rng(6)
    geos = GeoCentres(np.array([scale]), n, rng)
    linear = np.array([[0.12], [0.02], [0.05]]) * known * np.ones((3, n))
    precision = np.full((3, n), known)
    slope = np.array([[1.0], [0.5], [1.5]]) * np.ones((3, n))
    coef, lam2 = slope * geos.centre[:, 0], np.ones(n)

    def jump():
        return rng.standard_normal(n) * np.exp(rng.uniform(-1.0, 1.5, n))

    for _ in range(60):
        # its own scale does not depend on lam2 here: only centre and spread are looked at
        lam2 = geos.update(
            0, linear, precision, slope, coef, lambda _: np.full(n, scale), lam2, jump
        )
        mean, sd = geos.prior(0, slope)
        root = np.sqrt(precision + sd**-2)
        z = (linear + mean / sd**2) / root
        coef = stats.truncnorm.rvs(-z, np.inf, z, 1.0, random_state=rng) / root

    centres, spreads = np.linspace(1e-3, 0.6, 300), np.exp(np.linspace(-5, 3, 300))
    density = np.empty((300, 300))
    for a, centre in enumerate(centres):
        like = log_evidence(
            linear[:, :1] * np.ones(300),
            precision[:, :1] * np.ones(300),
            slope[:, :1] * centre * np.ones(300),
            spreads,
        )
        density[a] = like - 0.5 * (centre / scale) ** 2 + log_spread_prior(spreads)
    density = np.exp(density - density.max())
    wanted = np.array(
        [
            (density.sum(axis=1) * centres).sum() / density.sum(),
            (density.sum(axis=0) * np.log(spreads)).sum() / density.sum(),
        ]
    )
    found = np.array([geos.centre[:, 0].mean(), np.log(geos.spread[:, 0]).mean()])
    np.testing.assert_allclose(found, wanted, rtol=0.02, atol=0.002)


def test_transforms_keep_their_prior_where_the_data_say_nothing():
    """The centre follows its transform: curves that hardly move must not come more often."""
    problem = with_geos(problem_of(3, 1))
    media = problem.media.copy()
    media[:, :, 1] = 1.0 + 0.05 * media[:, :, 0]  # a twentieth of the others' ups and downs
    sampler = Sampler(replace(problem, media=media), 4000, np.random.default_rng(7))
    for _ in range(25):
        sampler.sigma2[:] = 1e8
        sampler._prepare()
        sampler._update_channel(0)
    found = np.bincount(sampler.grid[:, 0], minlength=4)
    assert stats.chisquare(found, 4000 * np.array([0.4, 0.3, 0.2, 0.1])).pvalue > 1e-3
    scale = np.sqrt(sampler.tau2 * sampler.lam2[:, 0]) * sampler.unit_scale[0]
    centre = stats.kstest(sampler.geos.centre[:, 0] / scale, stats.halfnorm.cdf)
    assert centre.pvalue > 1e-3
