"""Bad client folders: what the findings say, and that a blocked build leaves good tables alone.

One small sound client is written by hand; each test breaks it and runs dbt up to the weekly media.
The folder's name holds a quote, spaces and the characters that file patterns use.
"""

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.warehouse.place import Place

FOLDER = "o'brien [eu] * 2"
FINDINGS = "main_intermediate.int_mixloop__input_findings"
MEDIA_WEEKLY = "main_intermediate.int_mixloop__media_weekly"
WEEKS = [date(2024, 1, 1) + timedelta(weeks=k) for k in range(8)]
LONG_NAME = (
    'Brand "2024"; drop table media; -- \u202eRTL\u202c \U0001f600 {{ 1/0 }} ' + "x" * 10_000
)


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


SOUND = {
    "channel_hierarchy": lines(
        "channel_id,parent_id,label,is_modelled",
        "media,,All media,false",
        "tv,media,TV,true",
        "web,media,Web,true",
    ),
    "channel_mapping": lines(
        "priority,match_field,match_type,pattern,channel_id,valid_from,valid_to",
        "10,platform,exact,tv,tv,,",
        "20,platform,exact,web,web,,",
    ),
    "model_definitions": lines("model_id,kpi,geos", "m,sales,"),
    "outcomes": lines("date,kpi,value", *(f"{week},sales,100" for week in WEEKS)),
    "media": lines(
        "date,platform,campaign,spend",
        *(f"{week},{name},c,{10 + k}" for k, week in enumerate(WEEKS) for name in ("tv", "web")),
    ),
}


class Client:
    """A client folder and its warehouse, built with dbt in a process of its own."""

    def __init__(self, root: Path, project: Path):
        self.place = Place(project, root / "p", client=FOLDER)
        self.folder = self.place.client
        self.folder.mkdir()

    def write(self, **changes: str | bytes | None) -> None:
        """Write the sound client with some files changed; None leaves a file out."""
        for name, text in {**SOUND, **changes}.items():
            path = self.folder / f"{name}.csv"
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def build(self) -> tuple[int, str]:
        """Run dbt up to the weekly media; return its exit code and what it printed."""
        models = ("+int_mixloop__media_weekly", "+int_mixloop__channel_tree")
        process = self.place.start("run", "--select", *models)
        said, _ = process.communicate()
        return process.returncode, said

    def query(self, sql: str) -> list[tuple]:
        return self.place.read(sql)

    def blocking(self) -> set[tuple]:
        return set(
            self.query(
                f"select check_name, source_file, source_row, column_name from {FINDINGS} "
                "where severity = 'blocking'"
            )
        )


@pytest.fixture(scope="module")
def client(tmp_path_factory, project_root) -> Client:
    return Client(tmp_path_factory.mktemp("bad_inputs"), project_root)


def test_names_file_row_and_remedy_and_keeps_the_last_good_tables(client):
    client.write()
    code, output = client.build()
    assert code == 0, output
    good = client.query(f"select * from {MEDIA_WEEKLY} order by all")
    assert len(good) == 16
    client.write(media=SOUND["media"] + lines("2024-02-19,tv,c,77", "2024-02-19,tv,c,12k"))
    code, output = client.build()
    assert code != 0
    for part in ("media.csv, row 19, column spend [12k]", "Remedy: write a plain number"):
        assert part in output
    assert client.query(f"select * from {MEDIA_WEEKLY} order by all") == good


def test_every_mistake_is_found_at_its_row(client):
    client.write(
        channel_hierarchy=lines(
            "channel_id,parent_id,label,is_modelled,hierarchy_id",
            "media,,All media,false,",
            "tv,media,TV,true,",
            "web,media,Web,true,main",
            "a,b,A,false,",  # row 5: a cycle of a, b
            "b,a,B,false,",
            "lost,nowhere,L,false,",
            "unmapped,,U,false,",
            "tv,web,TV again,true,",
            "spot,web,Below web,true,",  # row 10: modelled below modelled, and makes web a parent
            "bad,media,,perhaps,",
            "brand,,Brand,,team",  # row 12: a team's hierarchy, where empty cells are fine
            "tv,brand,,,team",
            "ghost,brand,,,team",
            "media,brand,,,team",  # row 15: tv is below media already
            "loop,loop,,,team",
            "lost,gone,,perhaps,team",
            "media,,,,Main",
            "team:x,,Taken,false,",
            "web,brand,,,team",  # row 20: holds spot, which media of row 15 holds, too
        ),
        channel_mapping=SOUND["channel_mapping"]
        + lines(
            "30,campaign,regex,(c,tv,,",
            f"40,campaign,regex,{'c' * 1001},tv,,",
            "50,adset,exact,c,tv,,",
            "60,campaign,exact,c,ghost,,",
            "70,campaign,exact,c,tv,2024-02-01,2024-01-01",
            "high,campaign,exact,c,tv,,",
        ),
        media=SOUND["media"]
        + lines("2024-02-30,tv,c,1", "2024-02-19,tv,c,-1", "2024-02-19,,c,1", "1024-01-01,tv,c,1"),
        outcomes=SOUND["outcomes"] + lines("2024-02-19,sales,5", "2024-02-19,margin,"),
        model_definitions=SOUND["model_definitions"] + lines("n,margins,", "o,sales,mars"),
        plan=lines(
            "plan_id,week,channel_id,planned_spend",
            "p,2024-02-26,media,5",
            "p,2024-02-26,ghost,5",
        ),
        goals=lines("goal_id,model_id", "g,nobody"),
    )
    code, _ = client.build()
    assert code != 0
    assert client.blocking() == {
        ("cycle", "channel_hierarchy.csv", 5, "parent_id"),
        ("unknown_parent", "channel_hierarchy.csv", 7, "parent_id"),
        ("reserved_channel_id", "channel_hierarchy.csv", 8, "channel_id"),
        ("repeated_key", "channel_hierarchy.csv", 9, "hierarchy_id x channel_id"),
        ("modelled_above_modelled", "channel_hierarchy.csv", 10, "is_modelled"),
        ("bad_value", "channel_hierarchy.csv", 11, "label"),
        ("bad_value", "channel_hierarchy.csv", 11, "is_modelled"),
        ("leaf_not_in_main", "channel_hierarchy.csv", 14, "channel_id"),
        ("leaf_counted_twice", "channel_hierarchy.csv", 15, "channel_id"),
        ("cycle", "channel_hierarchy.csv", 16, "parent_id"),
        ("unknown_parent", "channel_hierarchy.csv", 17, "parent_id"),
        ("bad_value", "channel_hierarchy.csv", 17, "is_modelled"),
        ("reserved_hierarchy_id", "channel_hierarchy.csv", 18, "hierarchy_id"),
        ("reserved_channel_id", "channel_hierarchy.csv", 19, "channel_id"),
        ("leaf_counted_twice", "channel_hierarchy.csv", 20, "channel_id"),
        ("rule_maps_to_parent", "channel_mapping.csv", 3, "channel_id"),
        ("invalid_pattern", "channel_mapping.csv", 4, "pattern"),
        ("pattern_too_long", "channel_mapping.csv", 5, "pattern"),
        ("bad_value", "channel_mapping.csv", 6, "match_field"),
        ("unknown_channel", "channel_mapping.csv", 7, "channel_id"),
        ("rule_never_valid", "channel_mapping.csv", 8, "valid_to"),
        ("bad_value", "channel_mapping.csv", 9, "priority"),
        ("bad_value", "media.csv", 18, "date"),
        ("bad_value", "media.csv", 19, "spend"),
        ("bad_value", "media.csv", 20, "platform"),
        ("bad_value", "media.csv", 21, "date"),
        ("repeated_key", "outcomes.csv", 10, "kpi x geo x outcome_date"),
        ("bad_value", "outcomes.csv", 11, "value"),
        ("unknown_kpi", "model_definitions.csv", 3, "kpi"),
        ("no_modelled_channel", "model_definitions.csv", 4, "model_id"),
        ("unknown_geo", "model_definitions.csv", 4, "geos"),
        ("plan_above_modelled_channels", "plan.csv", 2, "channel_id"),
        ("unknown_channel", "plan.csv", 3, "channel_id"),
        ("unknown_model", "goals.csv", 2, "model_id"),
    }
    cycles = f"select value from {FINDINGS} where check_name = 'cycle' order by source_row"
    assert client.query(cycles) == [("a -> b -> a",), ("loop -> loop",)]
    twice = (
        f"select problem from {FINDINGS} where check_name = 'repeated_key' and value like 'main%'"
    )
    assert client.query(twice) == [
        ("row 9 repeats the hierarchy_id x channel_id of row 3: two parents, media and web",)
    ]
    loose = f"select value, problem from {FINDINGS} where check_name = 'leaf_not_assigned'"
    assert client.query(f"{loose} and problem like '%`team`%'") == [
        (
            "team:x",
            "the hierarchy `team` does not place it: its money is kept under team:unassigned",
        )
    ]


def test_rows_of_one_rule_must_agree(client):
    client.write(
        channel_mapping=lines(
            "rule_id,priority,match_field,match_type,pattern,channel_id,valid_from,valid_to",
            "both,10,platform,exact,tv,tv,,",
            "both,20,campaign,exact,c,web,2024-01-01,",  # row 3
            "Both,30,platform,exact,web,web,,",  # another name, so a rule of its own
            ",40,platform,exact,tv,tv,,",
            ",40,campaign,regex,(,tv,,",  # row 6: a rule of its own, though the priority repeats
            "unmapped,50,campaign,exact,c,tv,,",
        ),
        goals=None,
        plan=None,
    )
    code, output = client.build()
    assert code != 0
    assert client.blocking() == {
        ("rule_rows_disagree", "channel_mapping.csv", 3, "rule_id"),
        ("invalid_pattern", "channel_mapping.csv", 6, "pattern"),
        ("reserved_rule_id", "channel_mapping.csv", 7, "rule_id"),
    }
    said = "rows 2 and 3 are conditions of one rule, and row 3 says otherwise: priority 20, "
    assert f"{said}channel_id web, valid_from 2024-01-01" in output


def test_missing_and_empty_files_and_columns(client):
    client.write(
        media=SOUND["media"].replace("spend", "spending", 1),
        outcomes=None,
        channel_mapping="",
        goals=None,
        plan=None,
    )
    code, output = client.build()
    assert code != 0
    assert f"{FOLDER}/outcomes.csv" in output
    found = {(name, column) for name, _, _, column in client.blocking()}
    assert {
        ("required_input_missing", None),
        ("required_input_empty", None),
        ("required_column_missing", "spend"),
    } <= found
    assert ("bad_value", "spend") not in found  # said once for the column, not once a row


def test_client_text_is_data(client):
    quoted = LONG_NAME.replace('"', '""')
    client.write(
        # a byte order mark, line ends of another system, and one line end inside a value
        media=b"\xef\xbb\xbf"
        + SOUND["media"].replace("\n", "\r\n").encode()
        + f'2024-02-19,radio,"{quoted}\nsecond line",500\r\n'.encode(),
        channel_hierarchy=SOUND["channel_hierarchy"].replace("TV", f'"{quoted}"'),
        channel_mapping=SOUND["channel_mapping"]
        + lines("30,campaign,like,%drop table%,tv,2024-02-01,2024-02-29"),
        goals=None,
        plan=None,
    )
    code, output = client.build()
    assert code == 0, output
    labels = client.query(
        "select label from main_intermediate.int_mixloop__channel_tree where channel_id = 'tv'"
    )
    assert labels == [(LONG_NAME,)]
    spend = client.query(
        f"select spend from {MEDIA_WEEKLY} where channel_id = 'tv' and week = date '2024-02-19'"
    )
    assert [float(value) for (value,) in spend] == [517.0]


def test_line_with_too_many_fields_stops_the_build_with_its_line(client):
    client.write(media=SOUND["media"] + "2024-02-19,tv,c,1,234\n", goals=None, plan=None)
    code, output = client.build()
    assert code != 0
    assert "Line: 18" in output
    assert "media.csv" in output
