"""A posterior written to rows and read back."""

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixloop.posterior import (
    FRAME_COLUMNS,
    BaselineColumn,
    Posterior,
    draws_hash,
    posterior_to_frame,
    posteriors_from_frame,
)
from mixloop.schemas import POSTERIOR


def random_posterior(seed, *, n_geos=2, n_channels=3, n_draws=5, run_id="r1"):
    """Any numbers; names in the order the frame gives back."""
    rng = np.random.default_rng(seed)
    names = ["context:price", "hinge:2023-01-02", "level", "season:cos1", "trend"]
    components = ["context:price", "trend", "level", "season", "trend"]
    shape = (n_draws, n_channels)
    return Posterior(
        run_id=run_id,
        run_kind="live",
        model_id="sales",
        kpi="revenue",
        geos=tuple(f"geo {j}" for j in range(n_geos)),
        channels=tuple(f"ch_{c}" for c in range(n_channels)),
        media_units=tuple(rng.choice(["spend", "impressions"], size=n_channels).tolist()),
        first_week=np.datetime64("2023-01-02"),
        last_week=np.datetime64("2023-03-06"),
        kpi_scale=rng.uniform(1, 1e6, n_geos),
        exposure_scale=rng.uniform(1, 1e6, (n_geos, n_channels)),
        carryover_weeks=12,
        baseline=tuple(
            BaselineColumn(name, component, rng.normal(size=n_geos), rng.uniform(1, 2, n_geos))
            for name, component in zip(names, components, strict=True)
        ),
        kernel=rng.choice(["geometric", "delayed"], size=shape),
        decay=rng.random(shape),
        half=rng.random(shape),
        slope=rng.random(shape),
        coef=rng.exponential(size=(n_draws, n_geos, n_channels)),
        baseline_coef=rng.normal(size=(n_draws, n_geos, len(names))),
        sigma=rng.exponential(size=(n_draws, n_geos)),
        rho=rng.uniform(-1, 1, size=(n_draws, n_geos)),
        last_error=rng.normal(size=(n_draws, n_geos)),
    )


def assert_same(left, right):
    for field in fields(Posterior):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if field.name == "baseline":
            assert [(c.name, c.component) for c in a] == [(c.name, c.component) for c in b]
            for x, y in zip(a, b, strict=True):
                np.testing.assert_array_equal(x.center, y.center)
                np.testing.assert_array_equal(x.scale, y.scale)
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)
            if isinstance(a, np.ndarray):
                assert a.shape == b.shape, field.name


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 12), st.integers(1, 4))
def test_round_trip_is_exact_whatever_the_order_of_rows(seed, n_geos, n_channels, n_draws):
    posterior = random_posterior(seed, n_geos=n_geos, n_channels=n_channels, n_draws=n_draws)
    posterior = replace(posterior, channels=tuple(sorted(posterior.channels)))
    frame = posterior_to_frame(posterior).sample(fraction=1, shuffle=True, seed=seed)
    (back,) = posteriors_from_frame(frame)
    assert_same(posterior, back)


def test_names_in_any_order_come_back_sorted_with_their_own_draws():
    posterior = random_posterior(4)
    turned = replace(
        posterior,
        channels=posterior.channels[::-1],
        media_units=posterior.media_units[::-1],
        exposure_scale=posterior.exposure_scale[:, ::-1],
        kernel=posterior.kernel[:, ::-1],
        decay=posterior.decay[:, ::-1],
        half=posterior.half[:, ::-1],
        slope=posterior.slope[:, ::-1],
        coef=posterior.coef[:, :, ::-1],
        baseline=posterior.baseline[::-1],
        baseline_coef=posterior.baseline_coef[:, :, ::-1],
    )
    (back,) = posteriors_from_frame(posterior_to_frame(turned))
    assert_same(posterior, back)


def test_edited_draws_are_refused_and_the_run_is_named():
    fitted = posterior_to_frame(random_posterior(5, run_id="r5"))
    kept = fitted.with_columns(pl.lit(draws_hash(fitted)).alias("draws_hash"))
    posteriors_from_frame(kept.sample(fraction=1, shuffle=True, seed=2))  # order does not matter
    posteriors_from_frame(fitted)  # rows of earlier versions have none
    rows = kept.to_dicts()
    nudged = [dict(row) for row in rows]
    nudged[0]["coefficient"] = [rows[0]["coefficient"][0] + 1e-9, *rows[0]["coefficient"][1:]]
    other_kernel = [dict(row) for row in rows]
    other_kernel[0]["kernel"] = [
        "delayed" if k != "delayed" else "geometric" for k in rows[0]["kernel"]
    ]
    swapped = [dict(row) for row in rows]
    for at, of in ((0, 1), (1, 0)):
        swapped[at]["coefficient"] = rows[of]["coefficient"]
    for edited in (nudged, other_kernel, swapped):
        with pytest.raises(ValueError, match=r"draws of run r5 .* are not those that were fitted"):
            posteriors_from_frame(pl.DataFrame(edited, schema=kept.schema))


def test_several_runs_keep_their_order_and_their_rows():
    a, b = random_posterior(1, run_id="zz"), random_posterior(2, run_id="aa", n_geos=1)
    frame = pl.concat([posterior_to_frame(a), posterior_to_frame(b)])
    first, second = posteriors_from_frame(frame)
    assert_same(a, first)
    assert_same(b, second)


def test_rows_follow_the_ledgers_schema():
    posterior = random_posterior(3)
    frame = posterior_to_frame(posterior)
    assert frame.schema == pl.Schema({name: POSTERIOR[name] for name in FRAME_COLUMNS})
    assert len(frame) == 2 * (3 + 5 + 4)  # geos x (channels + baseline columns + noise terms)
    assert frame.select("geo", "term_id").is_duplicated().any() is False
    assert frame["n_training_weeks"].unique().to_list() == [10]
    row = frame.filter(geo="geo 1", term_id="channel:ch_2").row(0, named=True)
    assert row["term_type"] == "channel"
    assert row["component_id"] == "ch_2"
    assert row["coefficient"] == posterior.coef[:, 1, 2].tolist()
    assert row["kernel"] == posterior.kernel[:, 2].tolist()
    assert row["input_scale"] == posterior.exposure_scale[1, 2]
    rho = frame.filter(geo="geo 0", term_id="noise:rho").row(0, named=True)
    assert rho["coefficient"] == posterior.rho[:, 0].tolist()
    assert rho["component_id"] is None
    assert rho["kernel"] is None


def test_draws_stay_aligned_over_rows():
    posterior = random_posterior(9, n_draws=50)
    order = np.argsort(posterior.sigma[:, 0])
    (back,) = posteriors_from_frame(posterior_to_frame(posterior))
    assert back.coef[order, 1, 0] == pytest.approx(posterior.coef[order, 1, 0])
    assert back.kernel[order, 2].tolist() == posterior.kernel[order, 2].tolist()
