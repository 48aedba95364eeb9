"""Fit one configuration of pymc-marketing to weekly arrays; runs in an environment of its own.

    python peer_fit.py inputs.npz out.npz --configuration default --tune 1000 --draws 1000

Imports nothing of mixloop. Inputs: y (J, T), spend (J, T, C), controls (J, T, D), the same with
`_future` (J, H, ...), geos, channels, weeks, weeks_future. Out: contrib (S, J, T, C), y_train
(S, J, T), y_test (S, J, H) in KPI units and `figures`, JSON.

Configurations, both with the context as controls and two yearly Fourier pairs:

- `default`: geometric adstock over 13 weeks, logistic saturation, every prior the library's own;
- `documented`: as the library's example notebook for a media mix model does it: a linear trend as
  another control, half-normal priors on channels by their share of spend, tighter priors on the
  intercept, controls and seasons.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from importlib.metadata import version

START = time.perf_counter()  # importing is part of the process

import arviz as az  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from pymc_extras.prior import Prior  # noqa: E402
from pymc_marketing.mmm import GeometricAdstock, LogisticSaturation  # noqa: E402
from pymc_marketing.mmm.multidimensional import MMM  # noqa: E402

LAGS = 13
PAIRS = 2


def frame_of(inputs: dict, suffix: str, first: int) -> pd.DataFrame:
    """Return one row a geo and week; `first` counts weeks from the start of training."""
    weeks = pd.to_datetime(inputs[f"weeks{suffix}"])
    spend, controls = inputs[f"spend{suffix}"], inputs[f"controls{suffix}"]
    frames = []
    for j, geo in enumerate(inputs["geos"]):
        own = pd.DataFrame(spend[j], columns=inputs["channels"])
        for d in range(controls.shape[2]):
            # on the scale of the training weeks, as the library's documentation asks for
            scale = np.abs(inputs["controls"][j, :, d]).max() or 1.0
            own[f"control_{d}"] = controls[j, :, d] / scale
        own["trend"] = (first + np.arange(len(weeks))) / inputs["y"].shape[1]
        own.insert(0, "date", weeks)
        own.insert(1, "geo", str(geo))
        frames.append(own)
    return pd.concat(frames, ignore_index=True)


def model_of(configuration: str, inputs: dict) -> MMM:
    """Return the model, not yet fitted."""
    channels = [str(name) for name in inputs["channels"]]
    controls = [f"control_{d}" for d in range(inputs["controls"].shape[2])]
    dims = ("geo",) if len(inputs["geos"]) > 1 else ()
    priors = None
    if configuration == "documented":
        controls.append("trend")
        share = inputs["spend"].sum(axis=(0, 1)) / inputs["spend"].sum()
        priors = {
            "intercept": Prior("Normal", mu=0.5, sigma=0.2, dims=dims),
            "saturation_beta": Prior("HalfNormal", sigma=len(share) * share, dims="channel"),
            "gamma_control": Prior("Normal", mu=0, sigma=0.05, dims=(*dims, "control")),
            "gamma_fourier": Prior("Laplace", mu=0, b=0.2, dims=(*dims, "fourier_mode")),
            "likelihood": Prior(
                "Normal", sigma=Prior("HalfNormal", sigma=6, dims=dims), dims=("date", *dims)
            ),
        }
    return MMM(
        date_column="date",
        target_column="y",
        channel_columns=channels,
        control_columns=controls or None,
        dims=dims or None,
        adstock=GeometricAdstock(l_max=LAGS),
        saturation=LogisticSaturation(),
        yearly_seasonality=PAIRS,
        model_config=priors,
    )


def arrayed(values, has_geos: bool) -> np.ndarray:
    """Return draws as (S, J, T, ...)."""
    dims = [d for d in ("sample", "geo", "date", "channel") if d in values.dims]
    out = values.transpose(*dims).to_numpy()
    return out if has_geos else out[:, None]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("inputs")
    parser.add_argument("out")
    parser.add_argument("--configuration", choices=["default", "documented"], required=True)
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--chains", type=int, default=4)
    arguments = parser.parse_args()
    with np.load(arguments.inputs) as stored:
        inputs = {name: stored[name] for name in stored.files}
    n_weeks = inputs["y"].shape[1]
    train, test = frame_of(inputs, "", 0), frame_of(inputs, "_future", n_weeks)
    has_geos = len(inputs["geos"]) > 1
    if not has_geos:
        train, test = train.drop(columns="geo"), test.drop(columns="geo")
    model = model_of(arguments.configuration, inputs)
    y = pd.Series(inputs["y"].ravel(), name="y")
    model.build_model(train, y)
    model.add_original_scale_contribution_variable(var=["channel_contribution", "y"])
    start, cpu = time.perf_counter(), time.process_time()
    found = model.fit(
        train,
        y,
        tune=arguments.tune,
        draws=arguments.draws,
        chains=arguments.chains,
        nuts_sampler="nutpie",
        random_seed=20240101,
        progressbar=False,
    )
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    free = [variable.name for variable in model.model.free_RVs]
    bulk, tail, rhat = (
        measure(found.posterior[free])
        for measure in (az.ess, lambda x: az.ess(x, method="tail"), az.rhat)
    )
    figures = {
        "pymc-marketing": version("pymc-marketing"),
        "pymc": version("pymc"),
        "nutpie": version("nutpie"),
        "chains": arguments.chains,
        "tune": arguments.tune,
        "draws": arguments.draws,
        "fit_seconds": seconds,
        "sampling_seconds": found.posterior.attrs["sampling_time"],
        "cpu_seconds": cpu,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        "ess_bulk_min": min(float(bulk[name].min()) for name in free),
        "ess_tail_min": min(float(tail[name].min()) for name in free),
        "rhat_max": max(float(rhat[name].max()) for name in free),
        "divergences": int(found.sample_stats["diverging"].sum()),
    }
    drawn = found.posterior["channel_contribution_original_scale"].stack(sample=("chain", "draw"))
    options = {"extend_idata": False, "random_seed": 1, "progressbar": False}
    options["var_names"] = ["y_original_scale"]
    y_train = model.sample_posterior_predictive(train, **options)["y_original_scale"]
    y_test = model.sample_posterior_predictive(test, include_last_observations=True, **options)
    figures["process_seconds"] = time.perf_counter() - START
    np.savez_compressed(
        arguments.out,
        contrib=arrayed(drawn, has_geos),
        y_train=arrayed(y_train, has_geos),
        y_test=arrayed(y_test["y_original_scale"], has_geos),
        figures=json.dumps(figures),
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
