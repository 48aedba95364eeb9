"""The first draft of a mapping: hand-made naming conventions with a known answer, hostile names."""

import csv
import io
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from benchmarks.propose_agreement import agreement
from hostile import HOSTILE
from scripts.propose import ProposalError, as_csv, check_source, contents, explained, read, write

from mixloop.propose import Settings, propose
from mixloop.propose.patterns import Condition, exactly, is_kept_by_spreadsheets

NAMES = ("platform", "account", "campaign", "ad_group", "line_item")
NO_KPIS = pl.DataFrame(schema={"kpi": pl.String})


def line_items(rows: list[dict]) -> pl.DataFrame:
    """Line items as the export hands them over; 104 weeks and a spend of 100 unless told."""
    first = date(2023, 1, 2)
    filled = []
    for row in rows:
        n_weeks = row.get("n_weeks", 104)
        filled.append(
            {name: row.get(name) for name in NAMES}
            | {
                "spend": float(row.get("spend", 100.0)),
                "impressions": float(row.get("impressions", 0.0)),
                "n_rows": max(n_weeks, 1),
                "first_date": first,
                "last_date": first + timedelta(weeks=max(n_weeks, 1) - 1),
                "weeks": list(range(2765, 2765 + n_weeks)),
            }
        )
    schema = dict.fromkeys(NAMES, pl.String) | {
        "spend": pl.Float64,
        "impressions": pl.Float64,
        "n_rows": pl.Int64,
        "first_date": pl.Date,
        "last_date": pl.Date,
        "weeks": pl.List(pl.Int32),
    }
    return pl.DataFrame(filled, schema=schema)


def campaigns(platform: str, names: list[str], **more) -> list[dict]:
    return [{"platform": platform, "campaign": name} | more for name in names]


def draft_of(rows: list[dict], **settings):
    return propose(line_items(rows), NO_KPIS, Settings(**settings))


def grouped(draft) -> dict[str, set[str]]:
    """Return channel -> the campaigns that it claims."""
    rows = draft.claims.group_by("channel_id").agg(pl.col("campaign").unique())
    return {channel: set(names) for channel, names in rows.iter_rows()}


def patterns(draft) -> dict[str, list[tuple[str, str, str]]]:
    """Return rule -> its conditions."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in draft.mapping.iter_rows(named=True):
        condition = (row["match_field"], row["match_type"], row["pattern"])
        found.setdefault(row["rule_id"], []).append(condition)
    return found


def modelled(draft) -> set[str]:
    return set(draft.hierarchy.filter(pl.col("is_modelled") == "true")["channel_id"])


def assert_sound(draft) -> None:
    """Check what holds for every draft: one tree, one leaf a rule, nothing modelled twice."""
    parents = dict(draft.hierarchy.select("channel_id", "parent_id").iter_rows())
    assert len(parents) == len(draft.hierarchy)
    inner = set(parents.values())
    assert {name for name, parent in parents.items() if not parent} == {"all_media"}
    assert set(draft.mapping["channel_id"]) <= parents.keys() - inner
    chosen = modelled(draft)
    for name in chosen:
        above = parents[name]
        while above:
            assert above not in chosen
            above = parents[above]
    known = draft.claims.filter(pl.col("platform").is_not_null())
    assert known["channel_id"].null_count() == 0
    rules = draft.mapping.group_by("rule_id").agg(
        pl.col("priority", "channel_id").n_unique().name.suffix("_n"), pl.col("priority").first()
    )
    assert rules["priority_n"].max() == rules["channel_id_n"].max() == 1
    assert rules["priority"].n_unique() == len(rules)


# --- conventions with a known answer --------------------------------------------------------------


def test_second_token_under_changing_geos_and_quarters():
    kinds = {"BR": "Search", "NB": "Shopping", "RTG": "Display"}
    names = [
        f"{geo}_{kind}_{network}_2024Q{quarter}"
        for geo in ("US", "UK", "DE")
        for kind, network in kinds.items()
        for quarter in (1, 2, 3, 4)
    ]
    draft = draft_of(campaigns("google_ads", names))
    assert_sound(draft)
    wanted = {f"google_ads_{kind.lower()}": kind for kind in kinds}
    assert grouped(draft) == {
        channel: {name for name in names if f"_{kind}_" in name} for channel, kind in wanted.items()
    }
    assert modelled(draft) == wanted.keys()
    assert patterns(draft)["google_ads_br"] == [
        ("platform", "exact", "google_ads"),
        ("campaign", "regex", "^[^_]*_BR(_|$)"),
    ]
    assert patterns(draft)["google_ads_other"] == [("platform", "exact", "google_ads")]
    objectives = dict(draft.hierarchy.select("channel_id", "objective").iter_rows())
    assert objectives["google_ads_br"] == "brand"
    assert objectives["google_ads_nb"] == objectives["google_ads_rtg"] == "performance"


def test_names_that_begin_alike_get_a_prefix_and_the_rest_goes_to_other():
    names = [
        f"Acme | {kind} | {year}" for kind in ("Prospecting", "Retargeting") for year in (1, 2)
    ]
    rows = [*campaigns("Meta", names, spend=500), *campaigns("Meta", ["Boosted post"], spend=40)]
    draft = draft_of(rows)
    assert_sound(draft)
    assert patterns(draft)["meta_prospecting"][1] == ("campaign", "prefix", "Acme | Prospecting |")
    assert grouped(draft)["meta_other"] == {"Boosted post"}
    assert "meta_other" not in modelled(draft)
    row = draft.mapping.filter(pl.col("rule_id") == "meta_other").row(0, named=True)
    assert row["notes"] == "2% of spend, 1 line item, 2023-01 to 2024-12"


def test_the_last_token_where_names_differ_in_length():
    lines = ("Shoes", "Shoes_Sale", "Bags_New_In", "Hats_Old_And_Good")
    names = [f"{line}_{kind}" for line in lines for kind in ("Prospecting", "Remarketing")]
    draft = draft_of(campaigns("tiktok_ads", names))
    assert_sound(draft)
    assert grouped(draft) == {
        f"tiktok_ads_{kind.lower()}": {name for name in names if name.endswith(kind)}
        for kind in ("Prospecting", "Remarketing")
    }
    assert patterns(draft)["tiktok_ads_remarketing"][1] == (
        "campaign",
        "regex",
        "(^|_)Remarketing$",
    )


def test_separator_with_spaces_and_hyphens_inside_tokens():
    names = [
        f"{kind} - {place} - {year}"
        for kind in ("Brand", "Non-Brand")
        for place in ("US", "CA")
        for year in (2023, 2024)
    ]
    draft = draft_of(campaigns("Bing", names))
    assert_sound(draft)
    assert grouped(draft) == {
        "bing_brand": {name for name in names if name.startswith("Brand")},
        "bing_non_brand": {name for name in names if name.startswith("Non")},
    }


def test_a_large_group_is_divided_once_more_and_modelled_as_one():
    names = [f"NB_{kind}_{n}" for kind in ("Search", "PMax") for n in (1, 2)] + ["BR_Search_1"]
    draft = draft_of(campaigns("google_ads", names))
    assert_sound(draft)
    tree = dict(draft.hierarchy.select("channel_id", "parent_id").iter_rows())
    assert tree["google_ads_nb_pmax"] == tree["google_ads_nb_search"] == "google_ads_nb"
    assert modelled(draft) == {"google_ads_nb", "google_ads_br"}
    assert grouped(draft)["google_ads_nb_search"] == {"NB_Search_1", "NB_Search_2"}
    assert patterns(draft)["google_ads_nb_search"][1:] == [("campaign", "prefix", "NB_Search_")]
    # the rule of the whole group stands behind those of its parts: new kinds land in its other
    rules = list(patterns(draft))
    assert rules.index("google_ads_nb_other") > rules.index("google_ads_nb_search")


def test_accounts_that_name_their_campaigns_each_in_their_own_way():
    rows = [
        *campaigns("Meta", [f"US_BR_{n}" for n in range(5)], account="Agency A"),
        *campaigns("Meta", [f"US_PF_{n}" for n in range(5)], account="Agency A"),
        *campaigns("Meta", [f"{n} | Spring {n} | Reach" for n in range(5)], account="Agency B"),
        *campaigns("Meta", [f"{n} | Autumn {n} | Sales" for n in range(5)], account="Agency B"),
    ]
    draft = draft_of(rows)
    assert_sound(draft)
    assert modelled(draft) == {
        "meta_agency_a_br",
        "meta_agency_a_pf",
        "meta_agency_b_reach",
        "meta_agency_b_sales",
    }
    assert patterns(draft)["meta_agency_a_br"] == [
        ("platform", "exact", "Meta"),
        ("account", "exact", "Agency A"),
        ("campaign", "prefix", "US_BR_"),
    ]


def test_everything_in_one_campaign_is_divided_by_ad_group():
    rows = [
        {"platform": "Meta", "campaign": "Always on", "ad_group": f"{kind}_{n}"}
        for kind in ("Prospecting", "Retargeting")
        for n in range(3)
    ]
    draft = draft_of(rows)
    assert_sound(draft)
    assert modelled(draft) == {"meta_prospecting", "meta_retargeting"}
    assert patterns(draft)["meta_retargeting"][1] == ("ad_group", "prefix", "Retargeting_")


@pytest.mark.parametrize(
    "names",
    [
        ["Summer is here", "Our new sofas", "Sofas you will love", "The big one", "A day out"],
        [str(number) for number in range(238_000_001, 238_000_021)],
        ["Always on"],
        ["Spring 2023", "Autumn 2023", "Spring 2024", "Autumn 2024"],
        ["US_2024Q1", "US_2024Q2", "DE_2024Q1", "DE_2024Q2"],
        [f"a1b2{number}c3d4e5f6" for number in range(20)],
        [""],
    ],
    ids=["free text", "numbers", "one campaign", "seasons", "places", "ids", "empty"],
)
def test_names_without_a_convention_are_one_channel(names):
    draft = draft_of(campaigns("Acme Ads", names))
    assert_sound(draft)
    assert grouped(draft) == {"acme_ads": set(names)}
    assert patterns(draft) == {"acme_ads": [("platform", "exact", "Acme Ads")]}
    assert modelled(draft) == {"acme_ads"}


def test_brazil_is_a_place_beside_places_and_brand_beside_non_brand():
    places = [f"{geo}_{n}" for geo in ("BR", "AR", "MX") for n in range(4)]
    kinds = [f"{kind}_{n}" for kind in ("BR", "PF") for n in range(4)]
    assert modelled(draft_of(campaigns("Meta", places))) == {"meta"}
    assert modelled(draft_of(campaigns("Meta", kinds))) == {"meta_br", "meta_pf"}


def test_the_clients_own_geos_are_places():
    names = [f"{geo}_{n}" for geo in ("Nordost", "Mitte") for n in range(4)]
    assert modelled(draft_of(campaigns("Meta", names))) == {"meta_nordost", "meta_mitte"}
    assert modelled(draft_of(campaigns("Meta", names), geos=("nordost", "mitte"))) == {"meta"}


def test_names_are_the_same_whatever_their_case():
    rows = [
        *campaigns("Google", ["US_BR_1", "us_br_2", "US_nb_3"]),
        *campaigns("google", ["US_Br_4", "US_NB_5", "us_nb_6"]),
    ]
    draft = draft_of(rows)
    assert_sound(draft)
    assert grouped(draft) == {
        "google_br": {"US_BR_1", "us_br_2", "US_Br_4"},
        "google_nb": {"US_nb_3", "US_NB_5", "us_nb_6"},
    }


# --- what is modelled, and where it stands --------------------------------------------------------


def test_small_short_and_free_channels_are_kept_but_not_modelled():
    rows = [
        {"platform": "tv", "spend": 9_000},
        {"platform": "radio", "spend": 89},
        {"platform": "cinema", "spend": 900, "n_weeks": 11},
        {"platform": "podcast", "spend": 101, "n_weeks": 12},
        {"platform": "email", "spend": 0, "impressions": 5_000},
    ]
    draft = draft_of(rows)
    assert_sound(draft)
    assert modelled(draft) == {"tv", "podcast"}
    assert {name: node.why_not for name, node in draft.nodes.items() if node.why_not} == {
        "radio": "too small",
        "cinema": "too short",
        "email": "no spend",
    }


def test_a_short_or_small_token_goes_to_other():
    rows = [
        *campaigns("Meta", ["BR_1", "PF_1"], spend=1_000),
        *campaigns("Meta", ["NEW_1"], spend=300, n_weeks=11),
        *campaigns("Meta", ["TINY_1"], spend=50),
    ]
    draft = draft_of(rows)
    assert grouped(draft)["meta_other"] == {"NEW_1", "TINY_1"}
    assert modelled(draft) == {"meta_br", "meta_pf"}
    text = contents(draft, Settings(), "media.csv")["report.md"]
    assert "`NEW`, as in `NEW_1`: fewer than 12 active weeks" in text
    assert "`TINY`, as in `TINY_1`: 2.1% of its platform, too small" in text


def test_small_members_of_a_family_are_modelled_together():
    rows = [{"platform": name, "spend": 60} for name in ("Spotify", "Podcast")]
    draft = draft_of([*rows, {"platform": "tv", "spend": 9_000}])
    assert modelled(draft) == {"tv", "audio"}


def test_what_is_too_short_altogether_is_modelled_as_one():
    rows = [{"platform": name, "n_weeks": 5} for name in ("tv", "meta")]
    draft = draft_of(rows)
    assert modelled(draft) == {"all_media"}
    assert "all media are modelled as one" in contents(draft, Settings(), "m")["report.md"]


def test_families_stand_at_the_top_and_unknown_platforms_beside_them():
    names = ("google_ads", "microsoft_ads", "meta_ads", "tiktok_ads", "Acme Network", "ooh")
    draft = draft_of([{"platform": name} for name in names])
    tree = dict(draft.hierarchy.select("channel_id", "parent_id").iter_rows())
    assert tree == {
        "all_media": "",
        "search": "all_media",
        "social": "all_media",
        "google_ads": "search",
        "microsoft_ads": "search",
        "meta_ads": "social",
        "tiktok_ads": "social",
        "acme_network": "all_media",
        "ooh": "all_media",
    }
    labels = dict(draft.hierarchy.select("channel_id", "label").iter_rows())
    assert labels["tiktok_ads"] == "TikTok Ads"


def test_videos_of_a_search_platform_stand_with_video():
    names = [f"{kind}_{n}" for kind in ("BR", "NB", "YT") for n in (1, 2)]
    draft = draft_of([*campaigns("google_ads", names), {"platform": "linear_tv"}])
    tree = dict(draft.hierarchy.select("channel_id", "parent_id").iter_rows())
    assert tree["google_ads_yt"] == tree["linear_tv"] == "video"
    assert tree["google_ads_br"] == "google_ads"


def test_without_spend_shares_are_of_impressions():
    rows = [
        {"platform": "tv", "spend": 0, "impressions": 900},
        {"platform": "radio", "spend": 0, "impressions": 100},
    ]
    draft = draft_of(rows)
    assert draft.mapping["notes"].to_list() == [
        "90% of impressions, 1 line item, 2023-01 to 2024-12",
        "10% of impressions, 1 line item, 2023-01 to 2024-12",
    ]


def test_line_items_without_a_platform_are_told_and_left_unmapped():
    draft = draft_of([{"platform": None, "campaign": "BR_1"}, {"platform": "tv", "spend": 300}])
    assert_sound(draft)
    assert draft.claims.filter(pl.col("channel_id").is_null())["campaign"].to_list() == ["BR_1"]
    text = contents(draft, Settings(), "media.csv")["report.md"]
    assert "1 line item has no platform" in text
    assert "The rules claim 75% of spend" in text


def test_reserved_and_repeated_ids_are_avoided():
    rows = [{"platform": name} for name in ("Total", "unmapped", "search", "Bing", "A-B", "a b")]
    draft = draft_of(rows)
    assert_sound(draft)
    ids = set(draft.hierarchy["channel_id"])
    assert {"total_2", "unmapped_2", "search", "search_2", "a_b", "a_b_2"} <= ids


def test_one_model_for_each_kpi():
    kpis = pl.DataFrame({"kpi": ["revenue", "New customers", "=sum"]})
    draft = propose(line_items([{"platform": "tv"}]), kpis, Settings())
    assert "may change `sum`" in contents(draft, Settings(), "media.csv")["report.md"]
    assert dict(draft.models.select("model_id", "kpi").iter_rows()) == {
        "sum": "=sum",
        "new_customers": "New customers",
        "revenue": "revenue",
    }


# --- client text is data --------------------------------------------------------------------------


def test_hostile_names_each_lead_to_their_own_channel():
    draft = draft_of([{"platform": name, "campaign": name} for name in HOSTILE])
    assert_sound(draft)
    assert draft.claims["channel_id"].n_unique() == len(HOSTILE)
    assert draft.hierarchy["label"].str.len_chars().max() <= 80


def test_hostile_tokens_are_told_apart():
    kinds = ("=SUM(1)", "50% off", "a.b*c", 'O\'Brien "x"', "🙂", "\u202eפרסום\u202c")
    names = [f"{kind}_{n}" for kind in kinds for n in (1, 2)]
    draft = draft_of(campaigns("Meta", names))
    assert_sound(draft)
    assert set(map(frozenset, grouped(draft).values())) == {
        frozenset((f"{kind}_1", f"{kind}_2")) for kind in kinds
    }


def test_no_cell_is_taken_for_a_formula_or_changed_by_a_spreadsheet():
    rows = [
        {"platform": name, "account": name, "campaign": f"{name}_{kind}", "ad_group": name}
        for name in HOSTILE
        for kind in ("BR", "NB")
    ]
    draft = draft_of(rows)
    for frame in (draft.hierarchy, draft.mapping):
        read = list(csv.reader(io.StringIO(as_csv(frame).removeprefix("\ufeff"))))
        assert [tuple(row) for row in read] == [tuple(frame.columns), *frame.rows()]
        for row in read:
            assert not [cell for cell in row if cell[:1] in tuple("=+-@\t\r'")]
    for row in draft.mapping.iter_rows(named=True):
        is_regex = row["match_type"] == "regex"
        assert is_kept_by_spreadsheets(row["pattern"]) or (is_regex and row["pattern"][0] in "^(")


def test_text_beyond_ascii_is_marked_for_spreadsheets():
    plain = draft_of([{"platform": "tv"}]).mapping
    other = draft_of([{"platform": "Plakat Köln"}]).mapping
    assert as_csv(plain).startswith("rule_id,priority,match_field,match_type,pattern,channel_id,")
    assert as_csv(other).startswith("\ufeffrule_id,")


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_exact_conditions_claim_one_value_in_duckdb_too(value):
    condition = exactly("platform", value)
    with duckdb.connect() as connection:
        connection.register("names", pl.DataFrame({"name": HOSTILE}))
        query = {
            "exact": "lower(name) = lower($1)",
            "like": "lower(name) like lower($1)",
            "regex": "length($1) <= 1000 and regexp_matches(name, $1, 'i')",
        }[condition.match_type]
        if condition.match_type == "regex":  # DuckDB wants a constant
            literal = "'" + condition.pattern.replace("'", "''") + "'"
            query, arguments = query.replace("$1", literal), []
        else:
            arguments = [condition.pattern]
        found = connection.execute(f"select name from names where {query}", arguments).fetchall()
    assert found == [(value,)]
    held = condition.matches(pl.Series(HOSTILE))
    assert pl.Series(HOSTILE).filter(held).to_list() == [value]


def test_null_values_match_nothing():
    assert Condition("campaign", "regex", ".*").matches(
        pl.Series([None], dtype=pl.String)
    ).any() is (False)


def test_names_that_take_long_to_read_do_not():
    names = ["a - " * 4_000 + "x", "a" + " " * 20_000 + "y", "q" + " -" * 400 + "z"]
    draft = draft_of(campaigns("Meta", names))
    assert grouped(draft) == {"meta": set(names)}


# --- always the same, whatever comes --------------------------------------------------------------


def random_rows(rng: np.random.Generator) -> list[dict]:
    """Line items of a made-up client: a convention or none on each of a few platforms."""
    words = ("BR", "NB", "PF", "US", "DE", "2024Q1", "Search", "x.y", "%", "=1", "a b", "Ω", "")
    rows = []
    for platform in rng.choice(["Meta", "google_ads", "TV", "=x", "Acme", "dv360"], 3):
        separator = rng.choice(["_", " | ", " - ", " ", "-", "/", "~ ", ""])
        for _ in range(int(rng.integers(1, 30))):
            tokens = rng.choice(words, int(rng.integers(1, 6)))
            rows.append(
                {
                    "platform": str(platform),
                    "account": str(rng.choice(["one", "two", "=three"])),
                    "campaign": separator.join(tokens).strip(),
                    "spend": float(rng.choice([0, 1, 50, 5_000])),
                    "n_weeks": int(rng.choice([0, 5, 20, 100])),
                }
            )
    return rows


@pytest.mark.parametrize("seed", range(60))
def test_any_client_gets_a_sound_draft_and_always_the_same(seed):
    rng = np.random.default_rng(seed)
    items = line_items(random_rows(rng)).unique(subset=NAMES, keep="first", maintain_order=True)
    draft = propose(items, NO_KPIS, Settings())
    assert_sound(draft)
    again = propose(items.sample(fraction=1.0, shuffle=True, seed=seed), NO_KPIS, Settings())
    first, second = (contents(d, Settings(), "media.csv") for d in (draft, again))
    assert first == second
    # every channel that the draft divides off claims something, and all of it is counted once
    leaves = [name for name, node in draft.nodes.items() if node.kind not in ("other", "root")]
    assert all(draft.facts[name].n_line_items for name in leaves)
    assert draft.facts["all_media"].n_line_items == len(items)


# --- the files ------------------------------------------------------------------------------------


def test_files_are_written_once_and_edits_are_never_overwritten(tmp_path):
    files = contents(draft_of([{"platform": "tv"}]), Settings(), "media.csv")
    folder = tmp_path / "new" / "proposal"
    assert write(folder, files)
    assert {path.name for path in folder.iterdir()} == files.keys()
    assert not write(folder, files)
    mapping = folder / "channel_mapping.csv"
    edited = mapping.read_text() + ",99,platform,exact,radio,tv,,,,\n"
    mapping.write_text(edited)
    with pytest.raises(ProposalError, match=r"channel_mapping.csv.*OUT=proposal_2"):
        write(folder, files)
    assert mapping.read_text() == edited
    (folder / "channel_hierarchy.csv").unlink()
    with pytest.raises(ProposalError, match="nothing was written"):
        write(folder, files)
    assert not (folder / "channel_hierarchy.csv").exists()


def test_model_definitions_of_the_client_stop_a_proposal_without_any(tmp_path):
    files = contents(draft_of([{"platform": "tv"}]), Settings(), "media.csv")
    assert "model_definitions.csv" not in files
    (tmp_path / "model_definitions.csv").write_text("mine")
    with pytest.raises(ProposalError, match=r"model_definitions.csv"):
        write(tmp_path, files)


def test_a_missing_folder_media_or_warehouse_is_named_with_the_way_out(tmp_path, monkeypatch):
    with pytest.raises(ProposalError, match="MIXLOOP_CLIENT=nowhere is not a folder"):
        check_source("nowhere")
    with pytest.raises(ProposalError, match=r"has no media.csv and no media.parquet"):
        check_source(str(tmp_path))
    monkeypatch.setenv("MIXLOOP_WAREHOUSE", str(tmp_path / "none.duckdb"))
    with pytest.raises(ProposalError, match=r"no warehouse at .*none.duckdb.*make demo"):
        check_source("")


def exported(folder, items, **facts):
    """Write what the export writes, and read it as the script does."""
    row = {"state": "found", "looked_for": "media.csv", "missing_columns": ""}
    thresholds = {"min_active_weeks": 9, "min_share_of_spend": 0.02, "weeks_per_channel": 8}
    pl.DataFrame([row | thresholds | facts]).write_parquet(folder / "media_facts.parquet")
    items.write_parquet(folder / "line_items.parquet")
    NO_KPIS.write_parquet(folder / "kpis.parquet")
    pl.DataFrame({"geo": ["north"]}).write_parquet(folder / "geos.parquet")
    return read(folder)


def test_media_that_is_not_enough_is_named_with_the_way_out(tmp_path):
    items = line_items([{"platform": "tv"}])
    with pytest.raises(ProposalError, match=r"looked for raw.ads.*mixloop__media_identifier"):
        exported(tmp_path, items, state="missing", looked_for="raw.ads")
    with pytest.raises(ProposalError, match=r"media.csv has no column spend or cost.*data-model"):
        exported(tmp_path, items, missing_columns="spend or cost")
    with pytest.raises(ProposalError, match=r"media.csv has no rows"):
        exported(tmp_path, items.clear())
    found, _, settings, where = exported(tmp_path, items)
    assert found.equals(items)
    assert settings == Settings(9, 0.02, 8, ("north",))
    assert where == "media.csv"


def test_a_held_warehouse_is_told_in_plain_words():
    said = "12:00:01  Encountered an error:\nRuntime Error\n  IO Error: Could not set lock on file"
    assert explained(said).startswith("Another program holds the warehouse: close it")


# --- how near a draft is to a mapping made by hand ------------------------------------------------


def test_agreement_by_hand():
    money = pl.DataFrame({"a": ["x", "x", "y"], "b": ["u", "v", "v"], "spend": [0.5, 0.25, 0.25]})
    # together in both: .5^2 + .25^2 + .25^2 = .375; in a: .75^2 + .25^2 = .625; in b: .5
    wanted = (0.375 - 0.625 * 0.5) / ((0.625 + 0.5) / 2 - 0.625 * 0.5)
    found = agreement(money, "a", "b")
    assert found["adjusted Rand index"] == pytest.approx(wanted)
    assert found["drafted channels are pure"] == pytest.approx(0.75)
    assert found["hand-made channels are whole"] == pytest.approx(0.75)
    assert agreement(money, "a", "a")["adjusted Rand index"] == pytest.approx(1.0)
