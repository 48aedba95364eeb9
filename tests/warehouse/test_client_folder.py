"""Client folders: CSV or Parquet, any path, optional files missing, any text as a label."""

import polars as pl
import pytest
from scripts.summary import PUBLIC
from tests.warehouse.place import BEFORE_THE_GATE, Place
from tests.warehouse.tiny import HORIZON, N_WEEKS, REQUIRED, week, write_folder

from mixloop.demo import SMALL, write_client_folder

pytestmark = pytest.mark.slow
LABELS = {
    "media": "All 'media'; drop table mixloop__channels; --",
    "tv": '"TV" \\ {{ 1/0 }} {% raw %} $1 %s',
    "online": "\u202eמדיה מקוונת\u202c 📺🙂",
    "search": "x" * 10_000,
    "social": "a,b\tc\nd",
}
FEATURES = (
    "main_mixloop.mixloop__media_weekly",
    "main_mixloop.mixloop__channels",
    "main_intermediate.int_mixloop__model_media",
    "main_intermediate.int_mixloop__model_outcomes",
    "main_intermediate.int_mixloop__model_drivers",
    "main_intermediate.int_mixloop__model_plans",
)


def as_parquet(path):
    """Turn a CSV file into a Parquet file, its types guessed as a data engineer's tool would."""
    frame = pl.read_csv(path, try_parse_dates=True, infer_schema_length=None, glob=False)
    frame.write_parquet(path.with_suffix(".parquet"))
    path.unlink()


@pytest.fixture(scope="module")
def demo(project_root, tmp_path_factory):
    """Return a place built from the demo client as a folder of CSV files, and that client."""
    place = Place(project_root, tmp_path_factory.mktemp("demo") / "p")
    client = write_client_folder(place.client, SMALL)
    place.dbt("run")
    return place, client


def test_demo_folder_fills_every_public_table(demo):
    place, client = demo
    tables = place.public()
    built = {name.split(".")[-1] for name in tables}
    elsewhere = {*BEFORE_THE_GATE, "mixloop__source_rows"}  # a view, and what the gate reads
    assert built == {name for name, _ in PUBLIC} - elsewhere
    # the demo names its holidays as events, and a first build has no run before to compare with
    may_be_empty = ("mixloop__model_holidays", "mixloop__restatements")
    assert [n for n, rows in tables.items() if not rows and not n.endswith(may_be_empty)] == []
    ((spend, unmapped),) = place.read(
        "select sum(spend), sum(spend) filter (where channel_id = 'unmapped') "
        "from main_mixloop.mixloop__media_weekly"
    )
    assert float(spend) == pytest.approx(float(client.media["spend"].sum()), abs=0.005)
    assert 0 < unmapped < spend / 10
    current = "select model_id from main_mixloop.mixloop__runs where is_current order by model_id"
    assert place.read(current) == [("new_customers",), ("revenue",)]


def test_parquet_files_in_a_folder_with_an_odd_name_say_the_same(demo, project_root, tmp_path):
    csv, _ = demo
    place = Place(project_root, tmp_path / "p", client="o'brien & co [eu]/q4 plan")
    write_client_folder(place.client, SMALL)
    for path in place.client.glob("*.csv"):
        as_parquet(path)
    place.dbt("run", "--select", *(f"+{name.split('.')[1]}" for name in FEATURES))
    for name in FEATURES:
        query = f"from {name} order by all"
        assert place.read(query) == csv.read(query), name


def test_required_files_alone_are_enough_and_labels_are_data(project_root, tmp_path):
    def label(tables):
        for row in tables["channel_hierarchy"]:
            row["label"] = LABELS[row["channel_id"]]
        for name in tables.keys() - set(REQUIRED):
            del tables[name]

    place = Place(project_root, tmp_path / "p")
    write_folder(place.client, label)
    place.dbt("run")
    labels = dict(place.read("select channel_id, label from main_mixloop.mixloop__channels"))
    assert {name: labels[name] for name in LABELS} == LABELS
    assert set(labels) == {*LABELS, "unmapped"}
    missing = place.read(
        "select input_name from main_mixloop.mixloop__input_findings "
        "where check_name = 'optional_input_missing' order by all"
    )
    assert [name for (name,) in missing] == sorted(
        [
            *("context", "plan", "plan_context", "finance"),
            *("channel_priors", "events", "experiments", "goals", "decisions"),
            *("feasibility_answers", "open_questions", "overrides", "context_variables"),
        ]
    )
    # without a plan the forecast is of last year's weeks: 52 weeks before the last ones
    first, last = week(N_WEEKS), week(N_WEEKS + HORIZON - 1)
    assert place.read(
        "select plan_id, plan_source, min(week)::varchar, max(week)::varchar from "
        "history.main_mixloop.mixloop__forecasts where forecast_kind = 'live' group by all"
    ) == [("status_quo", "assumed", first, last)]
