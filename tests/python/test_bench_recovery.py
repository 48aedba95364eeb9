"""bench-recovery beside other libraries: which peer counts, which ratios, and what is refused."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import recovery_peers

SCORES = {
    "folder": "town",
    "channel_total_error": 0.1,
    "weekly_crps": 0.2,
    "held_out": {"crps": 0.03},
}


def run(config, wape, weekly_crps, out_crps, dataset="town"):
    figures = {"wape": wape, "weekly_crps": weekly_crps, "out_crps": out_crps}
    return {"dataset": dataset, "library": "lib", "version": "1", "config": config} | figures


TOWN = [
    run("default", 0.2, 0.4, 0.06),  # twice as far as ours everywhere
    run("tuned", 0.08, 0.2, 0.04),  # 1.25, 1 and 0.75: as good as ours in the mean
    run("lucky", 0.05, 0.8, 0.12),  # 2, 0.25 and 0.25: ahead in one figure only
    run("partial", None, 0.25, 0.05),  # no totals: 0.8 and 0.6
]
LAND = [run("tuned", 0.2, 0.4, 0.05, "land")]


@pytest.fixture
def peers(tmp_path):
    path = tmp_path / "peers.json"
    path.write_text(json.dumps({"about": "made by hand", "runs": TOWN + LAND}))
    return path


def test_the_best_peer_is_one_configuration_over_all_its_figures(peers):
    found = recovery_peers.compare(SCORES, recovery_peers.runs_of(peers, "town"))
    assert found["ours"] == {"channel_totals": 0.1, "weekly_crps": 0.2, "held_out_crps": 0.03}
    assert found["best"]["peer"] == "lib 1 tuned"
    assert found["best"]["ratios"] == pytest.approx(
        {"channel_totals": 1.25, "weekly_crps": 1.0, "held_out_crps": 0.75}
    )
    assert found["best"]["mean_ratio"] == pytest.approx(1.0)
    assert found["best_default"]["peer"] == "lib 1 default"
    assert found["best_default"]["mean_ratio"] == pytest.approx(0.5)
    means = [round(peer["mean_ratio"], 6) for peer in found["configurations"]]
    assert means == [1.0, 0.833333, 0.7, 0.5]


def test_the_order_of_the_file_does_not_matter():
    assert recovery_peers.compare(SCORES, TOWN) == recovery_peers.compare(SCORES, TOWN[::-1])


def test_figures_a_peer_lacks_are_left_out():
    found = recovery_peers.compare(SCORES, [TOWN[3]])
    assert found["best"]["ratios"] == pytest.approx({"weekly_crps": 0.8, "held_out_crps": 0.6})
    assert found["best"]["mean_ratio"] == pytest.approx(0.7)
    assert found["best_default"] is None
    assert "no peer's defaults are known" in recovery_peers.table("town", found)


def test_every_folder_counts_once_and_defaults_only_where_known():
    land = SCORES | {"folder": "land", "held_out": {"crps": 0.05}}  # 0.5, 0.5 and 1
    both = [recovery_peers.compare(SCORES, TOWN), recovery_peers.compare(land, LAND)]
    found = recovery_peers.average(both)
    assert found["best"] == {"folders": 2, "mean_ratio": pytest.approx((1 + 2 / 3) / 2)}
    assert found["best_default"] == {"folders": 1, "mean_ratio": pytest.approx(0.5)}


def test_a_folder_that_the_file_lacks_is_named_beside_those_it_has(peers):
    with pytest.raises(ValueError, match="nothing on the folder city; it has land, town"):
        recovery_peers.runs_of(peers, "city")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "no list `runs`"),
        ({"runs": [{"dataset": "town", "library": "lib"}]}, "none has one of wape"),
        ({"runs": [run("default", 0, 0.1, 0.1)]}, "wape of lib 1 default on town is 0: "),
        ({"runs": [run("default", 0.1, "0.1", 0.1)]}, "weekly_crps of lib 1 default on town"),
    ],
)
def test_a_file_that_cannot_be_compared_says_why(peers, content, says):
    peers.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=says):
        recovery_peers.runs_of(peers, "town")


def test_stored_scores_are_compared_and_averaged_by_the_command(
    peers, tmp_path, monkeypatch, capsys
):
    paths = [tmp_path / "town.json", tmp_path / "land.json"]
    paths[0].write_text(json.dumps(SCORES))
    paths[1].write_text(json.dumps(SCORES | {"folder": "land", "held_out": {"crps": 0.05}}))
    command = ["recovery_peers", "--peers", str(peers), "--scores", *map(str, paths)]
    monkeypatch.setattr(sys, "argv", command)
    assert recovery_peers.main() == 0
    printed = capsys.readouterr().out
    assert "against the best configuration: 0.833 (2 of 2 folders)" in printed
    assert "against the best default: 0.500 (1 of 2 folders)" in printed
    (tuned,) = [line for line in printed.split("\n\n")[0].splitlines() if "tuned" in line]
    words = " ".join(tuned.split())
    assert words == (
        "lib 1 tuned 0.0800 (1.25) 0.2000 (1.00) 0.0400 (0.75) 1.000 best configuration"
    )
