"""Set the scores of bench-recovery beside what other libraries reached on the same folders.

    make bench-recovery FOLDER=path/to/folder OUT=path/to/out PEERS=path/to/peers.json
    make bench-recovery-mean SCORES="one/score.json another/score.json" PEERS=path/to/peers.json

The file of the peers has `runs`, one object per folder and configuration: `dataset` (name of the
folder), `library`, `version`, `config`, and the figures `wape` (sum of absolute errors of channel
totals over the total effect), `weekly_crps` (of effects) and `out_crps` (held out).

A ratio is ours divided by the peer's: below one, ours is closer. The mean ratio of a configuration
is over those of the three figures that it has. A folder's best peer is one configuration, that
with the highest mean ratio, so the one hardest to beat over all figures together; it is not the
best figure of several configurations. The best default is chosen alike among the configurations
named `default`, where there are any. The mean over folders counts each folder once.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

FIGURES = {"channel_totals": "wape", "weekly_crps": "weekly_crps", "held_out_crps": "out_crps"}
BARS = {"best": "best configuration", "best_default": "best default"}


def known_figures(run: dict) -> dict[str, float]:
    """Return those of the three figures that a peer's run has."""
    theirs = {name: run[key] for name, key in FIGURES.items() if run.get(key) is not None}
    for name, value in theirs.items():
        if isinstance(value, str | bool) or not 0 < value < math.inf:
            raise ValueError(
                f"{FIGURES[name]} of {name_of(run)} on {run['dataset']} is {value!r}: "
                "write a number above zero, or leave it out"
            )
    return theirs


def name_of(run: dict) -> str:
    """Return what a peer's run is called: library, version and configuration."""
    return " ".join(str(run[key]) for key in ("library", "version", "config") if key in run)


def runs_of(path: Path, folder: str) -> list[dict]:
    """Return the peers' runs on one folder that have a figure."""
    found = json.loads(path.read_text())
    runs = found.get("runs") if isinstance(found, dict) else None
    if not isinstance(runs, list):
        raise ValueError(
            f"{path} has no list `runs`: it should hold one object per peer and folder"
        )
    own = [run for run in runs if run.get("dataset") == folder]
    if not own:
        names = ", ".join(sorted({str(run.get("dataset")) for run in runs}))
        raise ValueError(
            f"{path} has nothing on the folder {folder}; it has {names or 'no folder at all'}. "
            "The folder's name must be the `dataset` of the runs"
        )
    own = [run for run in own if known_figures(run)]
    if not own:
        raise ValueError(
            f"{path} has runs on {folder}, but none has one of {', '.join(FIGURES.values())}"
        )
    return own


def figures_of(scores: dict) -> dict[str, float]:
    """Return our three figures from the scores of a folder."""
    return {
        "channel_totals": scores["channel_total_error"],
        "weekly_crps": scores["weekly_crps"],
        "held_out_crps": scores["held_out"]["crps"],
    }


def beside(ours: dict[str, float], run: dict) -> dict:
    """Return a peer's figures, the ratios ours/peer of those that it has, and their mean."""
    theirs = known_figures(run)
    ratios = {name: ours[name] / value for name, value in theirs.items()}
    return {
        "peer": name_of(run),
        "config": run.get("config"),
        "figures": theirs,
        "ratios": ratios,
        "mean_ratio": sum(ratios.values()) / len(ratios),
    }


def compare(scores: dict, runs: list[dict]) -> dict:
    """Return our figures beside the best peer, the best default, and all of them, best first."""
    ours = figures_of(scores)
    peers = [beside(ours, run) for run in runs]
    peers.sort(key=lambda peer: (-peer["mean_ratio"], peer["peer"]))
    defaults = [peer for peer in peers if peer["config"] == "default"]
    return {
        "ours": ours,
        "best": peers[0],
        "best_default": defaults[0] if defaults else None,
        "configurations": peers,
    }


def average(comparisons: list[dict]) -> dict[str, dict]:
    """Return the mean ratio over folders to each bar, and how many folders have that bar."""
    out = {}
    for bar in BARS:
        means = [found[bar]["mean_ratio"] for found in comparisons if found[bar]]
        mean = sum(means) / len(means) if means else None
        out[bar] = {"folders": len(means), "mean_ratio": mean}
    return out


def table(folder: str, compared: dict) -> str:
    """Return a folder's comparison as text: our figures, then each peer's with the ratios."""

    def row(label: str, figures: dict, ratios: dict, last: str) -> str:
        cells = (
            f"{figures[name]:.4f}" + (f" ({ratios[name]:.2f})" if name in ratios else "")
            if name in figures
            else "-"
            for name in FIGURES
        )
        return f"{label:44}" + "".join(f"{cell:>16}" for cell in cells) + f"{last:>12}"

    head = f"{folder:44}" + "".join(f"{name:>16}" for name in FIGURES) + f"{'mean ratio':>12}"
    lines = [head, row("mixloop", compared["ours"], {}, "")]
    for peer in compared["configurations"]:
        marks = [label for bar, label in BARS.items() if compared[bar] is peer]
        mean = f"{peer['mean_ratio']:.3f}"
        line = row(peer["peer"], peer["figures"], peer["ratios"], mean)
        lines.append(f"{line}  {', '.join(marks)}".rstrip())
    if compared["best_default"] is None:
        lines.append("no peer's defaults are known for this folder")
    return "\n".join(lines)


def main() -> int:
    """Compare scores that were made before, and average over their folders."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--peers", type=Path, required=True)
    arguments = parser.parse_args()
    comparisons = []
    try:
        for path in arguments.scores:
            scores = json.loads(path.read_text())
            comparisons.append(compare(scores, runs_of(arguments.peers, scores["folder"])))
            print(table(scores["folder"], comparisons[-1]), end="\n\n")
    except (OSError, ValueError) as wrong:
        parser.error(str(wrong))
    print("mean ratio over figures and folders, ours/peer (below one, ours is closer):")
    for bar, found in average(comparisons).items():
        mean = "none known" if found["mean_ratio"] is None else f"{found['mean_ratio']:.3f}"
        folders = f"{found['folders']} of {len(comparisons)} folders"
        print(f"  against the {BARS[bar]}: {mean} ({folders})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
