"""The comparison with a peer: ratios point the right way, and the table has both."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import peers

OURS = {
    "fit_seconds": 10.0,
    "process_seconds": 20.0,
    "peak_memory_mib": 400.0,
    "ess_bulk_min": 900.0,
    "ess_tail_min": 500.0,
    "rhat_max": 1.004,
    "channel_total_error": 0.1,
    "weekly_crps": 0.1,
    "channel_coverage_90": 0.9,
    "held_out": {"crps": 0.016, "coverage_90": 0.92},
}
THEIRS = OURS | {
    "sampling_seconds": 40.0,
    "fit_seconds": 100.0,
    "ess_bulk_min": 250.0,
    "ess_tail_min": 400.0,
    "channel_total_error": 0.25,
    "held_out": {"crps": 0.012, "coverage_90": 0.92},
}


def test_figures_are_those_of_the_scores():
    ours, theirs = peers.figures_of(OURS), peers.figures_of(THEIRS)
    assert list(ours) == list(peers.ROWS)
    assert (ours["ess_min"], ours["ess_per_second"], ours["ess_per_sampling_second"]) == (
        500,
        50,
        50,
    )
    assert (theirs["ess_min"], theirs["ess_per_second"]) == (250, 2.5)
    assert theirs["ess_per_sampling_second"] == 6.25
    assert theirs["held_out_crps"] == 0.012


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("fit, seconds", "10x"),  # ten times as fast
        ("error of channel totals", "2.5x"),  # two and a half times as close
        ("held-out CRPS", "0.75x"),  # worse than the peer
        ("... per second of fit", "20x"),
        ("... per second of sampling", "8x"),
        ("everything, seconds", "1x"),
    ],
)
def test_ratios_above_one_mean_better(label, expected):
    (line,) = [
        row
        for row in peers.table({"mixloop": OURS, "default": THEIRS}).splitlines()
        if row.startswith(label)
    ]
    assert line.split()[-1] == expected


def test_coverage_has_no_ratio():
    assert peers.ratio("channel_coverage_90", 0.9, 0.5) == ""
