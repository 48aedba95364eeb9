"""The scikit-learn face: its conventions, and the same numbers as on the warehouse's way."""

import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import partial_dependence
from sklearn.metrics import r2_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

import mixloop
from mixloop import MixRegressor
from mixloop.evaluate import media_effects
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forecast import expected_kpi, predictive_draws
from mixloop.panel import build_panel
from mixloop.runs import fit_tasks
from mixloop.transforms import adstock_weights, hill

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ROOT = Path(__file__).resolve().parents[2]
MEDIA = ["search", "tv"]
QUICK = {"chains": 2, "warmup": 10, "sweeps": 20, "max_sweeps": 20, "draws": 40}
TRAIN, TEST = 60, 6  # weeks


def rows_of(panel):
    """A panel as a frame of rows sorted by week, then geo, and the KPI."""
    rows, y = [], []
    for t, week in enumerate(panel.weeks):
        for j, geo in enumerate(panel.geos):
            media = {c: panel.exposure[j, t, i] for i, c in enumerate(panel.channels)}
            price = panel.driver_values[j, t, 0]
            rows.append({"week": week.item(), "geo": geo, **media, "price": price})
            y.append(panel.outcome[j, t])
    return pl.DataFrame(rows), np.array(y)


@pytest.fixture(scope="module")
def world(simulate):
    return simulate(n_weeks=TRAIN + TEST, geos=("north", "south"), channels=tuple(MEDIA))


@pytest.fixture(scope="module")
def data(world):
    return rows_of(world.panel)


def regressor(**changes):
    return MixRegressor(**{"media": MEDIA, "geo": "geo", "context": ["price"], **QUICK, **changes})


@pytest.fixture(scope="module")
def fitted(data):
    X, y = data
    return regressor().fit(X[: 2 * TRAIN], y[: 2 * TRAIN])


def future(data):
    X, y = data
    return X[2 * TRAIN :], y[2 * TRAIN :]


# --- the same numbers as the warehouse's path ---------------------------------------------------


@pytest.fixture(scope="module")
def panel(world, to_frames):
    """The history as the warehouse makes it from long tables."""
    frames = to_frames(world.panel)
    trained = pl.col("week") <= world.panel.weeks[TRAIN - 1].item()
    parts = (frames[name].filter(trained) for name in ("outcomes", "media", "drivers"))
    whole = build_panel("sales", *parts)
    return whole.until(whole.weeks[-1])


@pytest.fixture(scope="module")
def direct(panel):
    """The fit of the same panel without the face."""
    units = dict.fromkeys(MEDIA, "spend")
    task = FitTask("r", "live", "m", "kpi", panel, TRAIN, units, {})
    return fit(task, FitSettings(**QUICK)).posterior


def test_draws_are_those_of_the_fit(fitted, direct):
    for name in ("coef", "baseline_coef", "sigma", "rho", "decay", "last_error"):
        np.testing.assert_array_equal(getattr(fitted.posterior_, name), getattr(direct, name))


def test_draws_are_those_of_a_build(world, data, to_frames):
    """From the warehouse's tables, through the function that makes a build's fits."""
    frames = to_frames(world.panel.until(world.panel.weeks[TRAIN - 1]))
    options = {"origins": 0, "step_weeks": 13, "horizon_weeks": 13, "first_forecast_weeks_ago": 0}
    (task,) = fit_tasks(**frames, settings=FitSettings(**QUICK), **options)
    assert task.share_of_kpi == {"search": 0.1}
    wanted = fit(task, FitSettings(**QUICK)).posterior
    X, y = data
    model = regressor(share_of_kpi={"search": 0.1}).fit(X[: 2 * TRAIN], y[: 2 * TRAIN])
    for name in ("coef", "baseline_coef", "sigma", "rho", "half", "last_error"):
        np.testing.assert_array_equal(getattr(model.posterior_, name), getattr(wanted, name))


def test_future_rows_are_forecast_from_the_stored_history(world, data, fitted, direct):
    X, _ = future(data)
    expected = expected_kpi(direct, world.panel)  # (J, H)
    np.testing.assert_allclose(fitted.predict(X), expected.T.ravel(), rtol=1e-12)
    draws = predictive_draws(direct, world.panel, np.random.default_rng(20240101))
    wanted = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)  # (3, J, H)
    found = fitted.predict_quantiles(X)
    np.testing.assert_allclose(found, wanted.transpose(2, 1, 0).reshape(-1, 3), rtol=1e-12)


def test_media_of_the_last_training_week_carry_over_into_the_next(data, fitted):
    """By hand: kernel weights times past exposure, through the Hill curve, for every draw."""
    X, y = data
    posterior, at = fitted.posterior_, 2 * TRAIN  # the first future row, geo north
    effect = np.zeros(len(posterior.coef))
    for c, name in enumerate(MEDIA):
        past = X.filter(geo="north")[name].to_numpy()[: TRAIN + 1][::-1]
        for s in range(len(effect)):
            weights = adstock_weights(str(posterior.kernel[s, c]), posterior.decay[s, c], 12)
            u = (weights * past[: len(weights)]).sum() / posterior.exposure_scale[0, c]
            response = hill(np.array(u), posterior.half[s, c], posterior.slope[s, c])
            if posterior.saturation[s, c] == "exponential":
                response = 1 - 0.5 ** (u / posterior.half[s, c])
            effect[s] += posterior.coef[s, 0, c] * response
    elapsed, middle = TRAIN, (TRAIN - 1) / 2
    angle = 2 * np.pi * elapsed / (365.25 / 7)
    first = X["week"][0]
    values = []
    for column in posterior.baseline:
        kind, _, rest = column.name.partition(":")
        if kind == "hinge":
            knot = (np.datetime64(rest) - np.datetime64(first)).astype(int) / 7
            values.append((elapsed - knot) / (365.25 / 7))
        elif kind == "season":
            k = int(rest[3:])
            values.append({"s": np.sin, "c": np.cos}[rest[0]](angle * k) / k)
        elif kind == "context":
            price = X.filter(geo="north")["price"].to_numpy()
            values.append((price[TRAIN] - price[:TRAIN].mean()) / price[:TRAIN].std())
        else:
            values.append({"level": 1.0, "trend": (elapsed - middle) / middle}[kind])
    total = posterior.baseline_coef[:, 0] @ np.array(values)
    carried = posterior.rho[:, 0] * posterior.last_error[:, 0]
    by_hand = (effect + total + carried).mean() * np.mean(y[: 2 * TRAIN : 2])
    assert fitted.predict(X[at : at + 1])[0] == pytest.approx(by_hand, rel=1e-9)


def test_contributions_are_the_effects_and_add_up(panel, data, fitted, direct):
    X, _ = data
    parts = fitted.contributions()
    assert parts.height == 2 * TRAIN * len(parts["component"].unique())
    total = parts.group_by("week", "geo").agg(pl.col("effect_mean").sum()).sort("week", "geo")
    np.testing.assert_allclose(total["effect_mean"], fitted.predict(X[: 2 * TRAIN]), rtol=1e-9)
    effects = media_effects(direct, panel)  # (S, J, T, C)
    for j, geo in enumerate(panel.geos):
        tv = parts.filter(geo=geo, component="tv")
        np.testing.assert_allclose(tv["effect_mean"], effects[:, j, :, 1].mean(axis=0))
        np.testing.assert_allclose(
            tv["effect_p95"], np.quantile(effects[:, j, :, 1], 0.95, axis=0), atol=1e-9
        )
    assert parts.filter("is_media")["component"].unique().sort().to_list() == MEDIA
    returns = fitted.returns()
    tv = returns.row(by_predicate=pl.col("component") == "tv", named=True)
    spent = X["tv"][: 2 * TRAIN].sum()
    assert tv["exposure"] == pytest.approx(spent)
    draws = effects[..., 1].sum(axis=(1, 2))
    assert tv["effect_mean"] == pytest.approx(draws.mean())
    assert tv["return_p05"] == pytest.approx(np.quantile(draws, 0.05) / spent)
    kpi = parts["effect_mean"].sum()
    assert tv["share_of_kpi_mean"] == pytest.approx(draws.mean() / kpi, rel=0.02)


# --- planted truth ------------------------------------------------------------------------------


def test_a_known_world_is_found(data, world):
    X, y = data
    model = regressor(chains=4, warmup=100, sweeps=150, max_sweeps=150, draws=300)
    model.fit(X[: 2 * TRAIN], y[: 2 * TRAIN])
    truth = world.effect[:, :TRAIN].sum(axis=(0, 1))
    np.testing.assert_allclose(model.returns()["effect_mean"], truth, rtol=0.25)
    assert model.score(*future(data)) > 0.9
    low, high = model.predict_quantiles(X[: 2 * TRAIN], [0.05, 0.95]).T
    assert 0.8 < ((y[: 2 * TRAIN] > low) & (y[: 2 * TRAIN] < high)).mean() < 0.99
    low, high = model.predict_quantiles(future(data)[0], [0.05, 0.95]).T
    assert ((future(data)[1] > low) & (future(data)[1] < high)).mean() > 0.6


def test_what_if(data, fitted):
    """Media of one training week set to nothing: that week and the weeks after it lose."""
    X, _ = data
    train = X[: 2 * TRAIN]
    plain = fitted.predict(train)
    spent = train["tv"].to_numpy().reshape(TRAIN, 2)
    t = next(t for t in range(15, TRAIN) if (spent[t] > 0).all())
    week = train["week"][2 * t]
    without = train.with_columns(tv=pl.when(pl.col("week") == week).then(0.0).otherwise("tv"))
    lost = (plain - fitted.predict(without)).reshape(TRAIN, 2)
    assert (lost[t] > 0).all()
    assert (lost[t + 1 : t + 13].max(axis=0) > 0).all()
    assert (lost[:t] == 0).all()
    assert (lost[t + 13 :] == 0).all()  # carry-over ends after twelve weeks
    one = fitted.predict(without.filter(week=week))  # the row alone says the same
    np.testing.assert_array_equal(one, fitted.predict(without)[2 * t : 2 * t + 2])


# --- conventions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_checks_of_scikit_learn_that_need_no_data(check):
    getattr(estimator_checks, check)("MixRegressor", regressor())


def test_the_tag_says_that_arrays_do_not_fit():
    assert regressor().__sklearn_tags__().input_tags.two_d_array is False
    with pytest.warns(Warning, match="Can't test estimator MixRegressor"):
        estimator_checks.check_estimator(regressor())
    assert not hasattr(regressor(), "decision_function")


def test_not_fitted(data):
    X, y = data
    for call in (
        lambda m: m.predict(X),
        lambda m: m.predict_quantiles(X),
        lambda m: m.score(X, y),
        lambda m: m.contributions(),
        lambda m: m.returns(),
    ):
        with pytest.raises(NotFittedError):
            call(regressor())


def test_fit_returns_self_and_leaves_parameters_and_input_alone(data):
    X, y = data
    media, pools = ["search", "tv"], {"search": "all", "tv": "all"}
    model = regressor(media=media, pools=pools)
    before, rows, kpi = model.get_params(), X.clone(), y.copy()
    assert model.fit(X, y) is model
    after = model.get_params()
    assert after["media"] is media and after["pools"] is pools
    assert before == after
    assert X.equals(rows)
    np.testing.assert_array_equal(y, kpi)
    state = dict(model.__dict__)
    model.predict(X), model.score(X, y), model.contributions(), model.returns()
    assert all(model.__dict__[name] is value for name, value in state.items())
    assert model.__dict__.keys() == state.keys()


def test_fitting_twice_cloning_and_pickling_give_the_same(data, fitted):
    X, y = data
    rows, wanted = future(data)[0], fitted.predict(future(data)[0])
    again = clone(fitted)
    assert not hasattr(again, "posterior_")
    with pytest.raises(NotFittedError):
        again.predict(rows)
    again.fit(X, y).fit(X[: 2 * TRAIN], y[: 2 * TRAIN])
    np.testing.assert_array_equal(again.predict(rows), wanted)
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict(rows), wanted)
    np.testing.assert_array_equal(back.predict_quantiles(rows), fitted.predict_quantiles(rows))


def test_features_are_named(fitted):
    assert fitted.feature_names_in_.tolist() == ["week", "geo", "search", "tv", "price"]
    assert fitted.feature_names_in_.dtype == object
    assert fitted.n_features_in_ == 5


def test_order_of_rows_and_columns_and_other_columns_do_not_matter(data, fitted):
    X, y = data
    order = np.random.default_rng(5).permutation(2 * TRAIN)
    mixed = X[: 2 * TRAIN][order].select(reversed(X.columns)).with_columns(note=pl.lit("?"))
    other = regressor().fit(mixed, y[order])
    everything = fitted.predict(X)
    np.testing.assert_array_equal(other.predict(X), everything)
    some = np.r_[order[:30], np.arange(2 * TRAIN, len(y))[::-1]]
    np.testing.assert_array_equal(fitted.predict(X[some]), everything[some])
    np.testing.assert_array_equal(
        fitted.predict_quantiles(X[some]), fitted.predict_quantiles(X)[some]
    )


@pytest.mark.parametrize("as_text", [False, True])
def test_pandas_and_polars_say_the_same(data, fitted, as_text):
    X, y = data
    frame = X.to_pandas()
    frame.index = np.arange(len(frame))[::-1] * 3  # an index of any kind is not looked at
    if as_text:
        frame["week"] = frame["week"].astype(str)
    model = regressor().fit(frame[: 2 * TRAIN], pd.Series(y[: 2 * TRAIN]))
    np.testing.assert_array_equal(model.predict(frame), fitted.predict(X))
    parts, returns = model.contributions(), model.returns()
    assert isinstance(parts, pd.DataFrame) and isinstance(returns, pd.DataFrame)
    assert pl.from_pandas(parts).cast({"week": pl.Date}).equals(fitted.contributions())
    assert pl.from_pandas(returns).equals(fitted.returns())


@pytest.mark.parametrize(
    "kind", [list, pl.Series, pd.Series, lambda y: pd.Series(y).astype("Float64")]
)
def test_y_of_any_kind_with_unknown_weeks(data, kind):
    X, y = data
    y = y.copy()
    y[[4, 9]] = np.nan
    given = pl.Series(y).fill_nan(None) if kind is pl.Series else kind(y)
    found = regressor().fit(X, given).predict(X)
    np.testing.assert_array_equal(found, regressor().fit(X, y).predict(X))
    assert np.isfinite(found).all()


def test_a_column_of_y_warns_and_works(data):
    X, y = data
    with pytest.warns(Warning, match="column-vector"):
        found = regressor().fit(X, y[:, None]).predict(X)
    assert found.shape == y.shape
    np.testing.assert_array_equal(found, regressor().fit(X, y).predict(X))


def test_random_state(data):
    X, y = data

    def drawn(state):
        return regressor(random_state=state).fit(X, y).predict(X)

    np.testing.assert_array_equal(drawn(7), drawn(np.int64(7)))
    np.testing.assert_array_equal(drawn(np.random.RandomState(3)), drawn(np.random.RandomState(3)))
    assert (drawn(7) != drawn(8)).any()
    assert np.isfinite(drawn(None)).all()


def test_convergence_is_said(data):
    X, y = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="after 20 sweeps"):
            regressor().fit(X, y)
    model = regressor().fit(X, y)
    assert model.is_converged_ is False
    assert (model.n_sweeps_, model.diagnostics_["channel:tv"].shape) == (20, (2, 3))


# --- lead-in, events, units, pools --------------------------------------------------------------


def test_weeks_without_a_kpi_at_the_start_are_lead_in(data):
    X, y = data
    late = y.copy()
    late[: 2 * 8] = np.nan
    model = regressor().fit(X, late)
    assert model.posterior_.first_week == np.datetime64(X["week"][16])
    assert model.contributions()["week"].min() == X["week"][16]
    assert np.isfinite(model.predict(X)).all()  # the lead-in too
    cut = regressor().fit(X[16:], y[16:])  # without lead-in the first weeks lack carry-over
    assert (model.predict(X[16:20]) != cut.predict(X[16:20])).any()


def test_events_and_things_without_variation(data):
    X, y = data
    X = X.with_columns(
        sale=((pl.col("week").dt.month() == 2) & (pl.col("week").dt.day() < 15)).cast(pl.Float64),
        radio=pl.lit(0.0),
        flat=pl.lit(3.0),
    )
    y = y * (1.0 + 0.3 * X["sale"].to_numpy())
    model = regressor(media=[*MEDIA, "radio"], context=["price", "flat"], events=["sale"])
    parts = model.fit(X, y).contributions()
    assert model.dropped_ == ("radio", "context:flat")
    sale = parts.filter(component="event:sale").join(X, on=["week", "geo"])
    assert (sale.filter(sale=0.0)["effect_mean"] == 0.0).all()
    assert (sale.filter(sale=1.0)["effect_mean"] > 0.1 * y.mean()).all()


def test_units_shares_and_pools_reach_the_fit(data):
    X, y = data
    model = regressor(units={"tv": "impressions"}, pools={"tv": "p", "search": "p"}).fit(X, y)
    assert model.posterior_.media_units == ("spend", "impressions")
    assert model.posterior_.pools == {"search": "p", "tv": "p"}
    assert model.returns()["unit"].to_list() == ["spend", "impressions"]
    assert regressor(units="impressions").fit(X, y).posterior_.media_units == ("impressions",) * 2
    tight = regressor(share_of_kpi={"tv": 1e-6}, channel_share_scale=1e-6).fit(X, y)
    loose = regressor().fit(X, y)
    assert tight.returns()["effect_mean"][1] < loose.returns()["effect_mean"][1]


def test_a_known_sign_holds(data):
    X, y = data
    raised = y * (1.0 + 0.05 * (X["price"].to_numpy() - 10.0))  # dearer weeks sell more
    for sign, held in ((-1, False), (1, True)):
        model = regressor(signs={"price": sign}).fit(X, raised)
        at = [c.name for c in model.posterior_.baseline].index("context:price")
        coef = model.posterior_.baseline_coef[:, :, at]
        assert (sign * coef >= 0).all()
        assert (np.abs(coef).mean() > 0.01) == held


def test_a_product(data, world, to_frames):
    """The same numbers as from a fit of the panel, in the form that was asked for."""
    X, y = data
    model = regressor(kpi_form="multiplicative").fit(X[: 2 * TRAIN], y[: 2 * TRAIN])
    posterior = model.posterior_
    assert posterior.kpi_form == "multiplicative"
    frames = to_frames(world.panel)
    panel = build_panel("sales", *(frames[name] for name in ("outcomes", "media", "drivers")))
    later, _ = future(data)
    expected = expected_kpi(posterior, panel)
    np.testing.assert_allclose(model.predict(later), expected.T.ravel(), rtol=1e-12)
    train = X[: 2 * TRAIN]
    low, high = model.predict_quantiles(train, [0.05, 0.95]).T
    assert 0.8 < ((y[: 2 * TRAIN] > low) & (y[: 2 * TRAIN] < high)).mean() < 0.99
    # the mean of a log-normal is above the fit without noise by half its variance
    without = model.contributions().group_by("week", "geo").agg(pl.col("effect_mean").sum())
    without = without.sort("week", "geo")["effect_mean"].to_numpy()
    gain = np.log(model.predict(train) / without).reshape(TRAIN, 2)
    variance = posterior.sigma**2 / (1 - posterior.rho**2)
    np.testing.assert_allclose(gain.mean(axis=0), 0.5 * variance.mean(axis=0), rtol=0.1)
    assert (model.predict(train) > 0).all()


# --- the rest of scikit-learn -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["polars", "pandas"])
def test_cross_validation_over_weeks_to_come(data, kind):
    X, y = data
    frame = X if kind == "polars" else X.to_pandas()
    split = TimeSeriesSplit(n_splits=3, test_size=2 * 4)
    found = cross_val_score(regressor(), frame, y, cv=split)
    for score, (train, test) in zip(found, split.split(X), strict=True):
        model = regressor().fit(X[train], y[train])
        assert score == r2_score(y[test], model.predict(X[test]))
    assert found.min() > 0.5


def test_cross_validation_with_a_gap_says_what_is_wrong(data):
    X, y = data
    split = TimeSeriesSplit(n_splits=2, test_size=8, gap=4)
    with pytest.raises(ValueError, match="give every week in between"):
        cross_val_score(regressor(), X, y, cv=split, error_score="raise")


@pytest.mark.parametrize("kind", ["polars", "pandas"])
def test_a_pipeline_of_frames(data, kind):
    X, y = data

    def doubled(frame):
        frame = frame.clone() if kind == "polars" else frame.copy()
        return (
            frame.with_columns(tv=pl.col("tv") * 2)
            if kind == "polars"
            else frame.assign(tv=frame["tv"] * 2)
        )

    frame = X if kind == "polars" else X.to_pandas()
    pipeline = make_pipeline(FunctionTransformer(doubled), regressor()).fit(frame, y)
    assert pipeline[-1].returns()["exposure"][1] == pytest.approx(2 * X["tv"].sum())
    by_hand = regressor().fit(doubled(frame), y)
    np.testing.assert_array_equal(pipeline.predict(frame), by_hand.predict(doubled(frame)))


def test_partial_dependence_of_a_medium(data, fitted):
    X, _ = data
    frame = X[: 2 * TRAIN].to_pandas()
    found = partial_dependence(fitted, frame, ["tv"], custom_values={"tv": np.array([0.0, 900.0])})
    by_hand = [fitted.predict(frame.assign(tv=value)).mean() for value in (0.0, 900.0)]
    np.testing.assert_allclose(found["average"][0], by_hand, rtol=1e-12)
    assert by_hand[0] < by_hand[1]


# --- what is refused ----------------------------------------------------------------------------

WEEK_3, WEEK_4 = "2022-01-17", "2022-01-24"


def with_value(column, row, value):
    def change(X):
        values = X[column].to_list()
        values[row] = value
        return X.with_columns(pl.Series(column, values, strict=False))

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda X: X.drop("tv"), r"no columns \['tv'\]; it has"),
        (lambda X: X.to_numpy(), "polars or pandas DataFrame with named columns"),
        (lambda X: X[:0], "X has no rows"),
        (with_value("tv", 3, None), r"column 'tv' is missing or infinite in rows \[3\]"),
        (with_value("tv", 3, float("nan")), r"column 'tv' is missing or infinite in rows \[3\]"),
        (
            with_value("price", 7, float("inf")),
            r"column 'price' is missing or infinite in rows \[7\]",
        ),
        (with_value("search", 0, -1.0), r"column 'search' is negative in rows \[0\]"),
        (lambda X: X.with_columns(tv=pl.lit("much")), "column 'tv' must hold numbers, not String"),
        (lambda X: X.with_columns(tv=-pl.col("tv") - 1), r"rows \[0, 1, 2, 3, 4\] and 127 more"),
        (lambda X: X.with_columns(week=pl.lit(3.5)), "column 'week' must hold dates, not Float64"),
        (
            lambda X: X.with_columns(week=pl.lit("17/01/2022")),
            r"column 'week' is missing or not a date in rows \[0, 1",
        ),
        (with_value("geo", 2, None), r"column 'geo' is missing in rows \[2\]"),
        (
            lambda X: pl.concat([X, X[5:6]]),
            r"the same week and geo as another row in rows \[5, 132\]",
        ),
        (
            lambda X: X.filter(pl.col("week") != pl.lit(WEEK_4).str.to_date()),
            f"after {WEEK_3} comes",
        ),
        (
            lambda X: X[:4].vstack(X[5:]),
            rf"1 rows are missing, first \['north in {WEEK_3}'\]",
        ),
    ],
)
def test_bad_rows_are_named(data, change, says):
    X, y = data
    bad = change(X)
    with pytest.raises((ValueError, TypeError), match=says):
        regressor().fit(bad, y[: len(bad)])
    if isinstance(bad, pl.DataFrame):
        pandas = bad.to_pandas()
        with pytest.raises(
            (ValueError, TypeError), match=says.replace("String", "(String|Object)")
        ):
            regressor().fit(pandas, y[: len(bad)])


def test_events_are_shares(data):
    X, y = data
    with pytest.raises(ValueError, match=r"column 'price' is not 0 to 1 in rows \[0, 1, 2, 3, 4\]"):
        regressor(context=[], events=["price"]).fit(X, y)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda y: y[:-1], "y has 131 values, X has 132 rows"),
        (lambda y: np.where(np.arange(len(y)) == 6, np.inf, y), r"y is infinite in rows \[6\]"),
        (lambda y: y * np.nan, "y has no known value"),
        (lambda y: ["many"] * len(y), "y must hold numbers"),
        (lambda y: np.stack([y, y], axis=1), "y should be a 1d array"),
        (lambda y: None, "the target y is None"),
        (lambda y: -y, "zero, negative or missing on average"),
    ],
)
def test_bad_targets_are_refused(data, change, says):
    X, y = data
    with pytest.raises(ValueError, match=says):
        regressor().fit(X, change(y))


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"media": []}, "media names no column"),
        ({"media": "tv"}, "media must be a list of column names, not 'tv'"),
        ({"context": [3]}, "context must be a list of column names"),
        ({"context": ["tv"]}, r"columns \['tv'\] are named twice"),
        ({"units": "clicks"}, "units must be one of spend, impressions, reach_frequency"),
        ({"units": {"radio": "spend"}}, r"units names \['radio'\], which are not in \['search'"),
        ({"pools": {"radio": "a"}}, r"pools names \['radio'\]"),
        ({"share_of_kpi": {"radio": 0.1}}, r"share_of_kpi names \['radio'\]"),
        ({"signs": {"tv": 1}}, r"signs names \['tv'\], which are not in \['price'\]"),
        ({"signs": {"price": 2}}, "signs must be 1 or -1"),
        ({"kpi_form": "log"}, "kpi_form must be one of additive, multiplicative"),
        ({"draws": 1}, "draws must be between"),
        ({"chains": "4"}, "chains must be a whole number from 1 on, not '4'"),
        ({"sweeps": 0}, "sweeps must be a whole number from 1 on, not 0"),
        ({"carryover_weeks": 2.5}, "carryover_weeks must be a whole number from 0 on, not 2.5"),
        ({"pool_spread": "wide"}, "pool_spread must be a number above zero, not 'wide'"),
        ({"share_of_kpi": {"tv": 3}}, "share_of_kpi must be above 0 and at most 1, not {'tv': 3}"),
        ({"random_state": "x"}, "cannot be used to seed"),
    ],
)
def test_bad_parameters_are_refused_by_fit(data, parameters, says):
    X, y = data
    model = regressor(**parameters)
    with pytest.raises(ValueError, match=says):
        model.fit(X, y)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda X: X[2:], "give every week in between"),
        (with_value("geo", 1, "west"), r"geos that the fit did not see .* in rows \[1\]"),
        (
            lambda X: X.with_columns(pl.col("week").dt.offset_by("-10y")),
            r"weeks before the first one of the fit, 2022-01-03, in rows \[0",
        ),
        (
            lambda X: X.with_columns(pl.col("week").dt.offset_by("1d")),
            "not a multiple of 7 days after 2022-01-03 in rows",
        ),
        (lambda X: X.drop("price"), r"no columns \['price'\]"),
    ],
)
def test_rows_that_cannot_be_predicted(data, fitted, change, says):
    X, _ = future(data)
    with pytest.raises(ValueError, match=says):
        fitted.predict(change(X))


def test_one_geos_future_alone(data, fitted):
    X, _ = future(data)
    north = X.filter(geo="north")
    np.testing.assert_array_equal(fitted.predict(north), fitted.predict(X)[::2])
    with pytest.raises(ValueError, match="geo 'north'"):
        fitted.predict(north[1:])


# --- docs and imports ---------------------------------------------------------------------------


def test_the_docs_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/notebook.md").read_text(), re.S)
    assert len(blocks) == 3
    assert len(blocks[1].splitlines()) <= 10
    names = {}
    for block in blocks:
        exec(block, names)
    assert names["model"].is_converged_
    returns = names["model"].returns()
    for name, full, half in (("tv", 500, 1500), ("search", 300, 600)):
        spend = names["X"][name].to_numpy()[:-13]
        truth = (full * spend / (spend + half)).sum() / spend.sum()
        row = returns.row(by_predicate=pl.col("component") == name, named=True)
        assert row["return_p05"] < truth < row["return_p95"]
    assert names["model"].score(names["X"][-13:], names["y"][-13:]) > 0.8
    assert "search" in capsys.readouterr().out


def test_builds_do_not_import_the_estimator():
    code = "import sys, mixloop.runs; assert 'mixloop.estimator' not in sys.modules"
    code += "; import mixloop; mixloop.MixRegressor; assert 'mixloop.estimator' in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env={"PYTHONPATH": "python", "PATH": ""}
    )
    with pytest.raises(AttributeError, match="no attribute 'Regressor'"):
        mixloop.Regressor  # noqa: B018
