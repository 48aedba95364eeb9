"""The demo client's data: planted truth, planted mess, and the same rows every time."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from mixloop.demo import SMALL, DemoClient, brand, generate, mess, write_client_folder, write_truth
from mixloop.demo.demand import event_shares
from mixloop.demo.folder import SEED_FILES
from mixloop.demo.world import response


@pytest.fixture(scope="module")
def demo() -> DemoClient:
    return generate()


def newest(outcomes: pl.DataFrame) -> pl.DataFrame:
    return outcomes.sort("loaded_at").unique(["kpi", "geo", "date"], keep="last")


def weekly(frame: pl.DataFrame, value: str, *keys: str) -> pl.DataFrame:
    return frame.group_by("week", *keys).agg(pl.col(value).sum()).sort("week", *keys)


def channel_total(demo: DemoClient, kpi: str) -> dict[str, float]:
    rows = demo.truth.filter(pl.col("kpi") == kpi, pl.col("component_type") == "channel")
    return dict(rows.group_by("component_id").agg(pl.col("effect").sum()).iter_rows())


def test_the_same_arguments_give_the_same_rows(demo: DemoClient) -> None:
    again = generate()
    for name in ("media", "outcomes", "context", "plan", "plan_context", "finance", "truth"):
        assert getattr(demo, name).equals(getattr(again, name)), name
    other = generate(SMALL, seed=7)
    assert not other.media.equals(generate(SMALL).media)


def test_history_is_156_weeks_that_end_on_a_sunday_in_2025(demo: DemoClient) -> None:
    weeks = demo.outcomes["date"].unique().sort()
    assert len(weeks) == 156
    assert weeks[0] == date(2023, 1, 2)
    assert weeks[-1] == date(2025, 12, 22)
    assert (weeks.diff().drop_nulls() == timedelta(days=7)).all()
    assert demo.media["date"].min() == date(2023, 1, 2)
    assert demo.media["date"].max() == date(2025, 12, 28)


def test_media_looks_like_a_real_account(demo: DemoClient) -> None:
    media = demo.media
    assert 100_000 <= len(media) <= 150_000
    assert media["platform"].n_unique() >= 8
    assert set(media["geo"].unique()) == set(brand.GEOS)
    assert "US_BR_Search_Exact_2024Q1" in set(media["campaign"])
    assert media["spend"].dtype == pl.Decimal(18, 2)
    assert media["spend"].min() > 0
    assert media["loaded_at"].null_count() == 0
    for platform in ("google_ads", "meta_ads", "tiktok_ads"):
        own = media.filter(pl.col("platform") == platform)["campaign"]
        assert own.str.contains("_BR_").any(), platform
        assert own.str.contains("_(NB|PF)_").any(), platform


def test_truth_adds_up_to_the_kpi(demo: DemoClient) -> None:
    total = weekly(demo.truth, "effect", "kpi", "geo")
    both = (
        newest(demo.outcomes)
        .rename({"date": "week"})
        .join(total, on=["kpi", "geo", "week"], how="left")
    )
    assert both["effect"].null_count() == 0
    gap = (both["effect"] - both["value"]).abs() / both["value"]
    assert gap.max() < 1e-6


def test_returns_are_as_planted_and_plausible(demo: DemoClient) -> None:
    spend = dict(demo.truth_spend.group_by("channel_id").agg(pl.col("spend").sum()).iter_rows())
    revenue = channel_total(demo, "revenue")
    customers = channel_total(demo, "new_customers")
    for channel in brand.CHANNELS:
        roi = revenue[channel.channel_id] / spend[channel.channel_id]
        assert roi == pytest.approx(channel.revenue_roi, rel=1e-9)
        assert 0.8 <= roi <= 4
        per_1000 = 1000 * customers[channel.channel_id] / spend[channel.channel_id]
        assert per_1000 == pytest.approx(channel.customers_per_1000, rel=1e-9)
    for kpi, effect in (("revenue", revenue), ("new_customers", customers)):
        whole = demo.truth.filter(pl.col("kpi") == kpi)["effect"].sum()
        assert 0.25 <= sum(effect.values()) / whole <= 0.36, kpi


def test_noise_is_two_to_three_percent_and_autocorrelated(demo: DemoClient) -> None:
    for kpi in brand.KPIS:
        for geo in brand.GEOS:
            own = demo.truth.filter(pl.col("kpi") == kpi, pl.col("geo") == geo)
            noise = own.filter(pl.col("component_id") == "unexplained").sort("week")["effect"]
            mean = own["effect"].sum() / brand.N_HISTORY
            assert 0.018 <= noise.std() / mean <= 0.031
            assert 0.2 <= np.corrcoef(noise[1:], noise[:-1])[0, 1] <= 0.75


def test_response_in_steady_state_is_the_hill_curve() -> None:
    usual = np.array([[c.weekly_spend * s for s in brand.GEO_SHARE] for c in brand.CHANNELS])
    steady = response(np.repeat(usual[:, :, None], 30, axis=2))
    for at, channel in enumerate(brand.CHANNELS):
        expected = 1 / (1 + channel.half**channel.slope)
        assert steady[at, :, -1] == pytest.approx(expected, rel=1e-12)
        assert (steady[at, :, 0] < expected).all()


def test_performance_spend_follows_demand_and_brand_spend_does_not(demo: DemoClient) -> None:
    own = demo.truth.filter(pl.col("kpi") == "revenue")
    is_demand = ~pl.col("component_type").is_in(["channel", "unexplained"])
    demand = weekly(own.filter(is_demand), "effect").rename({"effect": "demand"})
    spend = weekly(demo.truth_spend, "spend", "channel_id").join(demand, on="week")
    quarter = pl.col("week").dt.truncate("1q")  # budgets are set by quarter, so look within them
    moves = spend.with_columns(
        (pl.col(name).log() - pl.col(name).log().mean().over("channel_id", quarter)).alias(name)
        for name in ("spend", "demand")
    )
    found = dict(moves.group_by("channel_id").agg(pl.corr("spend", "demand")).iter_rows())
    for channel in brand.CHANNELS:
        if channel.reaction > 0:
            assert found[channel.channel_id] > 0.5, channel.channel_id
    for channel_id in ("brand_social", "online_video"):
        assert abs(found[channel_id]) < 0.35, channel_id


def test_the_late_channel_starts_in_year_two(demo: DemoClient) -> None:
    own = demo.truth_spend.filter(pl.col("channel_id") == "audio", pl.col("spend") > 0)
    assert own["week"].min() == date(2024, 2, 19)
    late = demo.truth.filter(pl.col("component_id") == "audio", pl.col("effect") != 0)
    assert late["week"].min() == date(2024, 2, 19)


def test_tv_is_flighted_and_search_is_always_on(demo: DemoClient) -> None:
    spend = weekly(demo.truth_spend, "spend", "channel_id")
    for channel_id, low, high in (("tv", 0.25, 0.55), ("ooh", 0.15, 0.5), ("brand_search", 1, 1)):
        share = (spend.filter(pl.col("channel_id") == channel_id)["spend"] > 0).mean()
        assert low <= share <= high, channel_id


def test_one_platform_day_is_there_twice_and_nothing_else(demo: DemoClient) -> None:
    twice = demo.media.filter(demo.media.is_duplicated())
    assert set(twice["platform"]) == {"meta_ads"}
    assert set(twice["date"]) == {date(2024, 10, 15)}
    that_day = demo.media.filter(
        pl.col("platform") == "meta_ads", pl.col("date") == date(2024, 10, 15)
    )
    assert len(twice) == len(that_day) == 2 * len(that_day.unique())


def test_one_restatement_came_late(demo: DemoClient) -> None:
    usual = pl.col("date").cast(pl.Datetime("us")) + timedelta(days=1, hours=6)
    late = demo.media.filter(pl.col("loaded_at") != usual)
    assert set(late["platform"]) == {"microsoft_ads"}
    assert late["date"].min() == date(2025, 3, 3)
    assert late["date"].max() == date(2025, 3, 16)
    assert set(late["loaded_at"]) == {datetime(2025, 4, 25, 6)}


def test_one_geo_lacks_one_week(demo: DemoClient) -> None:
    grid = demo.truth.select("kpi", "geo", pl.col("week").alias("date")).unique()
    lost = grid.join(demo.outcomes, on=["kpi", "geo", "date"], how="anti").sort("kpi")
    assert lost.rows() == [
        ("new_customers", "south", date(2024, 8, 12)),
        ("revenue", "south", date(2024, 8, 12)),
    ]
    told_once = newest(demo.outcomes)
    assert not told_once.select("kpi", "geo", "date").is_duplicated().any()


def test_three_weeks_of_revenue_were_first_told_too_high(demo: DemoClient) -> None:
    both = demo.outcomes.filter(pl.struct("kpi", "geo", "date").is_duplicated())
    first = both.join(newest(demo.outcomes), on=["kpi", "geo", "date", "loaded_at"], how="anti")
    assert set(first["kpi"]) == {"revenue"}
    assert set(first["date"]) == {date(2025, 3, 10), date(2025, 3, 17), date(2025, 3, 24)}
    assert len(first) == 3 * len(brand.GEOS) and len(both) == 2 * len(first)
    pairs = first.join(newest(demo.outcomes), on=["kpi", "geo", "date"])
    assert np.allclose(pairs["value"] / pairs["value_right"], 1.04, atol=1e-6)
    # the first telling came on the Tuesday after the week, as all others do
    assert (first["loaded_at"].dt.date() - first["date"] == timedelta(days=8)).all()
    assert set(pairs["loaded_at_right"]) == {datetime(2025, 4, 15, 7)}


def test_finance_ties_but_for_the_planted_month(demo: DemoClient) -> None:
    spent = (
        demo.media.unique()
        .group_by(pl.col("date").dt.truncate("1mo").alias("month"), "platform")
        .agg(pl.col("spend").sum().cast(pl.Float64).alias("platform_spend"))
    )
    both = demo.finance.join(spent, on=["month", "platform"], how="left").with_columns(
        gap=(pl.col("spend").cast(pl.Float64) / pl.col("platform_spend") - 1).abs()
    )
    assert both["gap"].null_count() == 0
    off = both.filter(pl.col("gap") > 0.01).select("month", "platform").rows()
    assert off == [(mess.MISBOOKED_MONTH, mess.MISBOOKED_PLATFORM)]
    assert both["gap"].max() == pytest.approx(0.12, abs=0.001)
    assert both["month"].max() == date(2025, 11, 1)


def test_branded_search_follows_demand_without_giving_it_away(demo: DemoClient) -> None:
    searches = demo.context.filter(pl.col("variable") == "branded_search").sort("geo", "date")
    kpi = weekly(demo.truth.filter(pl.col("kpi") == "revenue"), "effect", "geo").sort("geo", "week")
    for geo in brand.GEOS:
        series = searches.filter(pl.col("geo") == geo)["value"]
        value = kpi.filter(pl.col("geo") == geo)["effect"]
        assert 0.6 <= np.corrcoef(series, value)[0, 1] <= 0.97


def test_plans_cover_their_weeks_and_the_old_one_was_missed(demo: DemoClient) -> None:
    for plan_id, first, n_weeks in (
        ("plan_2025_q1", date(2024, 12, 30), 13),
        ("plan_2025_q2", date(2025, 3, 31), 13),
        ("plan_2025_q3", date(2025, 6, 30), 13),
        ("plan_2025_q4", date(2025, 9, 29), 13),
        ("plan_2026_h1", date(2025, 12, 29), 26),
    ):
        for frame, key, n_keys in (
            (demo.plan, "channel_id", len(brand.CHANNELS)),
            (demo.plan_context, "variable", len(brand.VARIABLES)),
        ):
            own = frame.filter(pl.col("plan_id") == plan_id)
            assert own["week"].min() == first
            assert len(own) == n_weeks * n_keys * len(brand.GEOS)
            assert not own.select("week", "geo", key).is_duplicated().any()
            assert own["loaded_at"].max().date() < first
    old = demo.plan.filter(pl.col("plan_id") == "plan_2025_q4")
    planned = dict(old.group_by("channel_id").agg(pl.col("planned_spend").sum()).iter_rows())
    spent = demo.truth_spend.filter(pl.col("week") >= date(2025, 9, 29))
    actual = dict(spent.group_by("channel_id").agg(pl.col("spend").sum()).iter_rows())
    ratio = {name: actual[name] / float(planned[name]) for name in planned}
    assert 1.15 <= ratio["performance_social"] <= 1.35
    assert 0.6 <= ratio["online_video"] <= 0.8
    assert ratio["tv"] < 0.75
    assert 0.95 <= ratio["audio"] <= 1.05


def test_event_windows_cover_their_days() -> None:
    shares = event_shares()
    names = [event.event_id for event in brand.EVENTS]
    week = {day: (day - brand.FIRST_WEEK).days // 7 for day in (date(2024, 11, 25),)}
    friday = shares[names.index("black_friday"), 0]
    at = week[date(2024, 11, 25)]  # Monday 25 November to Monday 2 December 2024
    assert friday[at - 1 : at + 3].tolist() == [0.0, 1.0, pytest.approx(1 / 7), 0.0]
    opening = shares[names.index("flagship_opening")].sum(axis=1)
    assert opening.tolist() == [0.0, 0.0, 3.0, 0.0]  # 21 days, in the south only


def test_small_folder_is_complete_and_small(demo: DemoClient, tmp_path) -> None:
    small = write_client_folder(tmp_path / "client", SMALL)
    files = {file.name for file in (tmp_path / "client").iterdir()}
    assert files == {f"{name}.csv" for name in (*small.inputs(), *SEED_FILES)}
    media = pl.read_csv(tmp_path / "client" / "media.csv", try_parse_dates=True)
    assert len(media) == len(small.media) < 15_000
    assert media["spend"].sum() == pytest.approx(float(small.media["spend"].sum()))
    assert small.outcomes["date"].n_unique() == 104
    assert set(small.outcomes["geo"]) == {"north", "south"}
    models = pl.read_csv(tmp_path / "client" / "model_definitions.csv")
    assert set(models["geos"]) == {"north;south"}
    cut = demo.truth_spend.join(small.truth_spend, on=["week", "geo", "channel_id"])
    assert len(cut) == len(small.truth_spend)
    assert (cut["spend"] - cut["spend_right"]).abs().max() < 1  # the same world, other rounding


def test_folder_without_seeds_says_what_is_missing(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"channel_mapping\.csv.*pass seeds="):
        write_client_folder(tmp_path / "client", SMALL, seeds=tmp_path)
    assert not (tmp_path / "client").exists()


def test_truth_is_written_beside_the_data(demo: DemoClient, tmp_path) -> None:
    files = write_truth(demo, tmp_path / "truth")
    assert [file.name for file in files] == [
        "truth_revenue.parquet",
        "truth_new_customers.parquet",
        "truth_spend.parquet",
    ]
    revenue = pl.read_parquet(files[0])
    assert revenue.equals(demo.truth.filter(pl.col("kpi") == "revenue"))


def test_without_mess_nothing_is_doubled_lost_late_misbooked_or_unmapped(demo: DemoClient) -> None:
    clean = generate(with_mess=False)
    assert not clean.media.is_duplicated().any()
    usual = pl.col("date").cast(pl.Datetime("us")) + timedelta(days=1, hours=6)
    assert clean.media.filter(pl.col("loaded_at") != usual).is_empty()
    assert len(clean.outcomes) == 156 * len(brand.GEOS) * len(brand.KPIS)
    pilots = demo.media.join(clean.media, on=["date", "campaign", "line_item", "geo"], how="anti")
    assert set(pilots["campaign"]) == {
        *("TEST_do_not_use_2023Q3", "Agency_Sandbox_Lookalikes", "Creator_Boost_Spring25"),
    }
    booked = clean.finance.filter(
        pl.col("platform") == mess.MISBOOKED_PLATFORM, pl.col("month") == mess.MISBOOKED_MONTH
    )["spend"].item()
    spent = clean.media.filter(
        pl.col("platform") == mess.MISBOOKED_PLATFORM,
        pl.col("date").dt.truncate("1mo") == mess.MISBOOKED_MONTH,
    )["spend"].sum()
    assert abs(float(booked / spent) - 1) <= 0.008
    # the rest of the world is the same
    assert clean.truth.equals(demo.truth)
    assert clean.context.equals(demo.context)
