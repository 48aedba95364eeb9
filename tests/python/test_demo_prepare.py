"""scripts/prepare.py: the demo's raw tables, and one client for each warehouse file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

from mixloop.demo import SMALL, generate

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "prepare.py"


@pytest.fixture
def prepare(monkeypatch, tmp_path) -> ModuleType:
    """The script, with a warehouse and a truth folder of its own, and a small demo."""
    spec = importlib.util.spec_from_file_location("prepare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TRUTH_FOLDER", tmp_path / "truth")
    monkeypatch.setattr("mixloop.demo.generate", lambda: generate(SMALL))
    monkeypatch.chdir(tmp_path)
    for name in ("MIXLOOP_CLIENT", "MIXLOOP_WAREHOUSE", "MIXLOOP_DEMO"):
        monkeypatch.delenv(name, raising=False)
    return module


def tables(file: Path) -> dict[str, int]:
    with duckdb.connect(str(file)) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'raw'"
        ).fetchall()
        return {
            name: connection.execute(f"select count(*) from raw.{name}").fetchone()[0]
            for (name,) in names
        }


def client(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "media.csv").write_text("date,platform,spend\n")
    return folder


def test_the_demo_is_loaded_once(prepare, capsys, tmp_path) -> None:
    assert prepare.main() == 0
    file = tmp_path / "warehouse" / "mixloop_demo.duckdb"
    loaded = tables(file)
    expected = {name: len(frame) for name, frame in generate(SMALL).inputs().items()}
    assert loaded == expected | {"_demo": 1}
    assert (tmp_path / "truth" / "truth_revenue.parquet").is_file()
    assert not any("truth" in name for name in loaded)
    assert "media rows" in capsys.readouterr().out
    with duckdb.connect(str(file)) as connection:
        connection.execute("delete from raw.finance")
    assert prepare.main() == 0
    assert "up to date" in capsys.readouterr().out
    assert tables(file)["finance"] == 0  # nothing was reloaded


def test_another_version_of_the_demo_is_loaded_anew(prepare, tmp_path, monkeypatch) -> None:
    prepare.main()
    file = tmp_path / "warehouse" / "mixloop_demo.duckdb"
    before = tables(file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("delete from raw.media")
    monkeypatch.setattr(prepare, "demo_version", lambda: "newer")
    assert prepare.main() == 0
    assert tables(file) == before


def test_lost_truth_is_written_again(prepare, tmp_path) -> None:
    prepare.main()
    for file in (tmp_path / "truth").iterdir():
        file.unlink()
    prepare.main()
    assert (tmp_path / "truth" / "truth_spend.parquet").is_file()


def test_own_raw_tables_are_left_alone(prepare, capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MIXLOOP_WAREHOUSE", str(tmp_path / "own.duckdb"))
    with duckdb.connect(str(tmp_path / "own.duckdb")) as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.media as select 1 as mine")
    assert prepare.main() == 0
    assert "tables of your own (media)" in capsys.readouterr().out
    assert tables(tmp_path / "own.duckdb") == {"media": 1}


def test_the_demo_can_be_switched_off(prepare, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MIXLOOP_DEMO", "0")
    assert prepare.main() == 0
    assert (tmp_path / "warehouse").is_dir()
    assert not (tmp_path / "warehouse" / "mixloop_demo.duckdb").exists()


def test_a_missing_client_folder_names_the_setting(prepare, capsys, monkeypatch) -> None:
    monkeypatch.setenv("MIXLOOP_CLIENT", "nowhere")
    assert prepare.main() == 1
    message = capsys.readouterr().err
    assert "MIXLOOP_CLIENT=nowhere is not a folder" in message
    assert "outcomes.csv" in message
    assert "docs/data-model.md" in message


def test_a_folder_without_client_data_is_refused(prepare, capsys, monkeypatch, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MIXLOOP_CLIENT", "empty")
    assert prepare.main() == 1
    assert "holds no client data" in capsys.readouterr().err


def test_two_folders_of_one_name_do_not_share_a_warehouse(
    prepare, capsys, monkeypatch, tmp_path
) -> None:
    first, second = client(tmp_path / "a" / "shop"), client(tmp_path / "b" / "shop")
    file = tmp_path / "warehouse" / "mixloop_shop.duckdb"
    monkeypatch.setenv("MIXLOOP_CLIENT", f"{first}/")
    assert prepare.main() == 0
    assert file.with_name("mixloop_shop.duckdb.client").read_text().strip() == str(first)
    duckdb.connect(str(file)).close()
    assert prepare.main() == 0

    monkeypatch.setenv("MIXLOOP_CLIENT", str(second))
    assert prepare.main() == 1
    message = capsys.readouterr().err
    assert str(first) in message
    assert "set MIXLOOP_WAREHOUSE" in message
    monkeypatch.setenv("MIXLOOP_WAREHOUSE", str(tmp_path / "other" / "b.duckdb"))
    assert prepare.main() == 0


def test_history_alone_keeps_its_owner(prepare, monkeypatch, tmp_path) -> None:
    first, second = client(tmp_path / "a" / "shop"), client(tmp_path / "b" / "shop")
    monkeypatch.setenv("MIXLOOP_CLIENT", str(first))
    prepare.main()
    history = tmp_path / "warehouse" / "mixloop_shop_history.duckdb"
    duckdb.connect(str(history)).close()
    monkeypatch.setenv("MIXLOOP_CLIENT", str(second))
    assert prepare.main() == 1
    history.unlink()
    assert prepare.main() == 0  # nothing is left of the first client


def test_a_client_called_demo_does_not_take_the_demo_warehouse(
    prepare, capsys, monkeypatch, tmp_path
) -> None:
    prepare.main()
    monkeypatch.setenv("MIXLOOP_CLIENT", str(client(tmp_path / "x" / "demo")))
    assert prepare.main() == 1
    assert "the warehouse of the demo client" in capsys.readouterr().err


def test_a_file_that_is_no_warehouse_is_named(prepare, capsys, monkeypatch, tmp_path) -> None:
    (tmp_path / "broken.duckdb").write_text("not a database")
    monkeypatch.setenv("MIXLOOP_WAREHOUSE", str(tmp_path / "broken.duckdb"))
    assert prepare.main() == 1
    assert "broken.duckdb cannot be opened" in capsys.readouterr().err
