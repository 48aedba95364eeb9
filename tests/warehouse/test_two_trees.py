"""A second hierarchy and a channel modelled above its leaves, built with every dbt test."""

import pytest
from tests.warehouse.place import Place
from tests.warehouse.tiny import HORIZON, N_WEEKS, week, write_folder
from tests.warehouse.two_trees import TEAM, two_trees, video

pytestmark = pytest.mark.slow
FORECASTS = "history.main_mixloop.mixloop__forecasts"
BUILD = ("build", "--exclude-resource-type", "unit_test")


@pytest.fixture(scope="module")
def built(project_root, tmp_path_factory):
    place = Place(project_root, tmp_path_factory.mktemp("two") / "trees")
    write_folder(place.client, two_trees)
    place.dbt(*BUILD)
    return place


def means(place, table: str, node: str, value: str, where: str) -> dict[str, float]:
    """Return the sum of a value over the weeks, by node."""
    return dict(place.read(f"select {node}, sum({value}) from {table} where {where} group by 1"))


def test_both_hierarchies_are_published_and_add_up(built):
    for table, node, value, where in (
        ("main_mixloop.mixloop__contributions", "component_id", "contribution_mean", "true"),
        ("main_mixloop.mixloop__forecast_variance", "driver_id", "variance_mean", "true"),
        (FORECASTS, "component_id", "forecast_mean", "forecast_kind = 'live'"),
        (FORECASTS, "component_id", "planned_spend", "forecast_kind = 'live'"),
    ):
        found = means(built, table, node, value, f"{where} and geo = 'national'")
        for parent, children in (
            ("social", ("meta_social", "video_social")),
            ("team:performance", ("search", "meta_social")),
            ("team:brand", ("tv", "video_social")),
            ("team:everything", ("team:performance", "team:brand")),
            ("media", ("team:everything",)),
        ):
            assert found[parent] == pytest.approx(sum(found[child] for child in children))
        assert found["video_social"] != 0


def test_a_leaf_has_its_own_spend_and_plan(built):
    spent = built.read(
        "select spend, allocation, hierarchy_id, is_additive, parent_id, label "
        "from main_mixloop.mixloop__channel_performance "
        "where channel_id = 'video_social' and period_id = 'training'"
    )
    rule = ("carried_over_exposure", "main", False, "social", "Video Social")
    assert spent == [(sum(video(i) for i in range(N_WEEKS)), *rule)]
    planned = built.read(
        f"select week::varchar, planned_value, planned_spend from {FORECASTS} "
        "where forecast_kind = 'live' and geo = 'all' and component_id = 'video_social' order by 1"
    )
    # four weeks by the client's split of 30 to 60, then by what was spent in the last 13 weeks
    recent = range(N_WEEKS - 13, N_WEEKS)
    other = sum(120 if i % 7 < 2 else 60 for i in recent)
    share = sum(video(i) for i in recent) / (sum(video(i) for i in recent) + other)
    for h, (day, value, money) in enumerate(planned):
        assert day == week(N_WEEKS + h)
        assert value == money == pytest.approx(60 if h < 4 else 90 * share)
    assert len(planned) == HORIZON


def test_grouped_anew_the_plan_is_published_again_and_nothing_is_lost(built, tmp_path):
    place = built.copy(tmp_path / "p")
    before = place.ledger()
    team = tuple(
        (node, "performance" if node == "video_social" else parent) for node, parent in TEAM
    )
    write_folder(place.client, lambda tables: two_trees(tables, team))
    place.dbt(*BUILD)
    assert set(map(str, before)) < set(map(str, place.ledger()))
    revisions = place.read(
        f"select revision, count(distinct plan_hash), count(distinct run_id) from {FORECASTS} "
        "where forecast_kind = 'live' group by 1 order by 1"
    )
    assert revisions == [(1, 1, 1), (2, 1, 1)]
    where = "forecast_kind = 'live' and geo = 'all' and revision = "
    first, second = (
        means(place, FORECASTS, "component_id", "forecast_mean", where + str(n)) for n in (1, 2)
    )
    assert second["social"] == pytest.approx(first["social"])
    assert second["team:performance"] == pytest.approx(first["search"] + first["social"])
    assert second["team:brand"] == pytest.approx(first["tv"])
