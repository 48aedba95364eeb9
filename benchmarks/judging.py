"""How often the checks of a run speak in worlds with and without what they look for.

    make bench-judging OUT=path/to/out WORLDS=12

Every world is one geo of 156 weeks with four channels, of which `radio` has no effect, a context
variable `price` with an effect and one, `moon`, without; truth is known. Five cases: `clean`;
`woven` (errors that hang together over two weeks, which the model does not describe); `demand`
(spend follows a demand that is not in the data); `always_on` (the spend of search varies by three
per cent, so that it cannot be told from the level); `bare` (media are all that makes the KPI). A
world that is in OUT/judging.jsonl is not fitted again. Thresholds are the defaults of
dbt_project.yml. Skill and coverage are not in it: they need backtests.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import polars as pl

from mixloop.fit import FitSettings, FitTask, fit
from mixloop.judging import fit_statistics, run_draws
from mixloop.panel import Panel
from mixloop.selection import selection_rows
from mixloop.transforms import adstock, adstock_weights, hill

N_WEEKS = 156
KPI = 1000.0
CHANNELS = ("radio", "search", "social", "tv")
SHARE = {"radio": 0.0, "search": 0.12, "social": 0.08, "tv": 0.15}
CASES = ("clean", "woven", "demand", "always_on", "bare")
SETTINGS = FitSettings(warmup=150, sweeps=300, max_sweeps=900, draws=1000)
PROJECT = Path(__file__).resolve().parents[1] / "dbt_project.yml"


def threshold(name: str) -> float:
    """Return the default of a var that is a number."""
    found = re.search(rf"^\s+mixloop__{name}: ([0-9.]+)", PROJECT.read_text(), flags=re.MULTILINE)
    if found is None:
        raise ValueError(f"dbt_project.yml has no number mixloop__{name}")
    return float(found.group(1))


def errors(rng: np.random.Generator, lag: int) -> np.ndarray:
    """Return an autoregression with coefficient 0.6 at one lag and a spread of 3% of the KPI."""
    out = rng.normal(0.0, 0.03 * 0.8, N_WEEKS)
    for t in range(lag, N_WEEKS):
        out[t] += 0.6 * out[t - lag]
    return out


def world(seed: int, case: str) -> tuple[Panel, dict[str, float]]:
    """Return a panel and each channel's true share of the KPI."""
    rng = np.random.default_rng(seed)
    weeks = np.datetime64("2023-01-02") + np.timedelta64(7, "D") * np.arange(N_WEEKS)
    demand = errors(rng, 1) * 3.0
    spend = rng.lognormal(0.0, 0.5, (N_WEEKS, 4)) * (rng.random((N_WEEKS, 4)) < 0.85)
    if case == "demand":
        spend *= np.exp(4.0 * demand)[:, None]
    if case == "always_on":
        spend[:, 1] = 1.0 + rng.normal(0.0, 0.03, N_WEEKS)
    spend *= 50.0
    effects = np.zeros((N_WEEKS, 4))
    for c, name in enumerate(CHANNELS):
        carried = adstock(spend[:, c] / spend[:, c].max(), adstock_weights("geometric", 0.3, 12))
        curve = hill(carried, 0.8, 1.0)
        effects[:, c] = SHARE[name] * curve / curve.mean()
    price, moon = rng.normal(0.0, 1.0, (2, N_WEEKS))
    season = 0.05 * np.sin(2 * np.pi * np.arange(N_WEEKS) / 52.18)
    base = 0.65 + season - 0.02 * price + demand * (case == "demand")
    if case == "bare":
        base = -0.02 * price
    y = KPI * (base + effects.sum(axis=1) + errors(rng, 2 if case == "woven" else 1))
    panel = Panel(
        geos=("national",),
        weeks=weeks,
        channels=CHANNELS,
        drivers=("context:moon", "context:price"),
        outcome=y[None],
        exposure=spend[None],
        spend=spend[None],
        driver_values=np.stack([moon, price], axis=1)[None],
    )
    return panel, dict(zip(CHANNELS, KPI * effects.sum(axis=0) / y.sum(), strict=True))


def judged(seed: int, case: str) -> dict[str, object]:
    """Fit one world and return what its checks measure."""
    panel, truth = world(seed, case)
    task = FitTask(
        "r", "live", "m", "k", panel, N_WEEKS, dict.fromkeys(CHANNELS, "spend"), {}
    )  # fmt: skip
    run = fit(task, SETTINGS).posterior
    draws = run_draws(run, panel)
    nothing = json.dumps({})
    rows = selection_rows(run, panel, nothing, material_share=threshold("material_share"))
    by_name = {row["variable_id"]: row for row in rows.iter_rows(named=True)}
    share = draws.effect / draws.effect.sum(axis=0)
    over = np.median(share, axis=1) / (draws.spend / draws.spend.sum())
    return {
        "case": case,
        "seed": seed,
        **{k: float(v) for k, v in fit_statistics(draws, 0.9).items()},
        "effect_over_spend": dict(zip(run.channels, over.tolist(), strict=True)),
        "bias": {c: by_name[c]["share_of_kpi_p50"] - truth[c] for c in CHANNELS},
        "variables": {
            name: [row["p_material"], row["p_positive"]] for name, row in by_name.items()
        },
    }


def unsure(p_positive: float) -> bool:
    """Say whether the direction of a context variable is not known."""
    return max(p_positive, 1.0 - p_positive) < threshold("p_sign_sure")


def summary(found: list[dict]) -> dict[str, float]:
    """Return shares of the worlds of one case in which a check speaks."""
    variables = [world["variables"] for world in found]
    limit = threshold("autocorrelation_warn")
    return {
        "worlds": len(found),
        "autocorrelation is flagged": np.mean(
            [abs(world["residual_autocorrelation"]) > limit for world in found]
        ),
        "baseline is flagged": np.mean(
            [
                world["negative_baseline_share"] > threshold("negative_baseline_warn")
                for world in found
            ]
        ),
        "search has more effect than its spend allows": np.mean(
            [
                world["effect_over_spend"]["search"] > threshold("effect_over_spend_high")
                for world in found
            ]
        ),
        "radio (nothing) could be dropped": np.mean(
            [v["radio"][0] < threshold("p_material_drop") for v in variables]
        ),
        "radio is not simply kept": np.mean(
            [v["radio"][0] < threshold("p_material_keep") for v in variables]
        ),
        "social (8%) could be dropped": np.mean(
            [v["social"][0] < threshold("p_material_drop") for v in variables]
        ),
        "tv (15%) is not simply kept": np.mean(
            [v["tv"][0] < threshold("p_material_keep") for v in variables]
        ),
        "moon (nothing) could be dropped": np.mean(
            [unsure(v["context:moon"][1]) for v in variables]
        ),
        "price could be dropped": np.mean([unsure(v["context:price"][1]) for v in variables]),
        "effective parameters": np.mean([world["effective_parameters"] for world in found]),
        "true minus estimated media share": -np.mean(
            [sum(world["bias"].values()) for world in found]
        ),
    }


def main() -> None:
    """Fit what is missing and print one column a case."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--worlds", type=int, default=12)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "judging.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {(world["case"], world["seed"]) for world in done}
    with file.open("a") as log:
        for seed in range(given.worlds):
            for case in CASES:
                if (case, seed) not in known:
                    done.append(judged(seed, case))
                    log.write(json.dumps(done[-1]) + "\n")
                    log.flush()
    columns = {
        case: summary([w for w in done if w["case"] == case and w["seed"] < given.worlds])
        for case in CASES
    }
    figures = list(columns["clean"])
    table = {"figure": figures} | {c: [columns[c][k] for k in figures] for c in CASES}
    shown = {"tbl_rows": -1, "float_precision": 2, "fmt_str_lengths": 60}
    with pl.Config(**shown, tbl_hide_dataframe_shape=True):
        print(pl.DataFrame(table, strict=False))


if __name__ == "__main__":
    main()
