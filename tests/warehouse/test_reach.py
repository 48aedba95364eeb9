"""Reach and frequency from raw rows to the model and its plans, and what is found wrong with them.

The tiny client's `social` reaches 1,000 people a week, each 2 times, for 60 (or 120) of money.
"""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

LAST = date.fromisoformat(tiny.week(tiny.N_WEEKS - 1))
MEDIA = {
    **dict.fromkeys(("date", "platform", "campaign"), pl.String),
    **dict.fromkeys(("spend", "impressions", "reach", "frequency"), pl.Float64),
}
PLAN = {
    **dict.fromkeys(("plan_id", "week", "channel_id"), pl.String),
    **dict.fromkeys(("planned_spend", "reach", "frequency"), pl.Float64),
}
PRIORS = dict.fromkeys(
    (
        *("model_id", "channel_id", "media_unit", "saturation_low", "saturation_high"),
        *("half_frequency_low", "half_frequency_high"),
    ),
    pl.String,
)
WISH = {"channel_id": "social", "media_unit": "reach_frequency"}
SOCIAL = {"platform": "meta_ads", "campaign": "Social | always on"}


def world(priors=(WISH,), media=None, plan=None):
    """The tiny client with reach of social; `media` and `plan` change the rows."""
    content = tiny.tables()
    rows = [
        row | ({"reach": 1000.0, "frequency": 2.0} if row["campaign"].startswith("Social") else {})
        for row in content["media"]
    ]
    if media is not None:
        rows = media(rows)
    planned = content["plan"] if plan is None else plan(content["plan"])
    found = {name: pl.DataFrame(table) for name, table in content.items()}
    found["media"] = pl.DataFrame(rows, schema=MEDIA)
    found["plan"] = pl.DataFrame(planned, schema=PLAN)
    found["channel_priors"] = pl.DataFrame(list(priors), schema=PRIORS)
    return found


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root))


def social(chain, columns="spend, exposure, frequency", table="int_mixloop__model_media"):
    """Return {week: columns} of social."""
    return {
        week: tuple(values)
        for week, *values in chain.read(
            f"select week, {columns} from {{{table}}} where channel_id = 'social'"
        )
    }


def monday(k):
    return date.fromisoformat(tiny.week(k))


def changed(**weeks):
    """Replace the rows of social in some weeks: w3=[...] of partial rows."""

    def change(rows):
        out = []
        for row in rows:
            k = (date.fromisoformat(row["date"]) - tiny.FIRST_WEEK).days // 7
            own = weeks.get(f"w{k}") if row["campaign"].startswith("Social") else None
            if own is None:
                out.append(row)
            else:
                out += [{"date": row["date"], **SOCIAL, "spend": 10.0, **new} for new in own]
        return out

    return change


def test_weeks_are_made_from_rows(chain):
    day = (monday(13) + timedelta(days=2)).isoformat()
    first, second = {"reach": 300.0, "frequency": 2.0}, {"reach": 500.0, "frequency": 1.4}
    media = changed(
        w10=[{"reach": 300.0, "impressions": 1200.0}],
        w11=[{"frequency": 4.0, "impressions": 1200.0}],
        w12=[{"reach": 300.0}],  # how often is not said
        w13=[first, second | {"date": day}],
        w14=[first, second | {"campaign": "Social | two"}],
        w15=[],
    )
    chain.run(["int_mixloop__model_media", "mixloop__media_weekly"], world(media=media))
    found = social(chain)
    assert found[monday(9)] == (60.0, 1000.0, 2.0)
    assert found[monday(10)] == (10.0, 300.0, 4.0)
    assert found[monday(11)] == (10.0, 300.0, 4.0)
    assert found[monday(12)] == (10.0, 0.0, None)
    assert found[monday(13)] == (20.0, 500.0, pytest.approx(1300 / 500))  # the largest day
    assert found[monday(14)] == (20.0, 800.0, pytest.approx(1300 / 800))  # line items add up
    assert found[monday(15)] == (0.0, 0.0, None)
    shown = chain.read(
        "select week, channel_id, reach, frequency from {mixloop__media_weekly} "
        "where reach is not null order by week limit 1"
    )
    assert shown == [(monday(0), "social", 1000, 2.0)]
    others = chain.read(
        "select bool_and(exposure = spend), count(frequency) from {int_mixloop__model_media} "
        "where channel_id != 'social'"
    )
    assert others == [(True, 0)]


@pytest.mark.parametrize(
    ("priors", "unit", "first"),
    [
        ((), "spend", (120.0, 120.0, None)),
        ((WISH,), "reach_frequency", (120.0, 1000.0, 2.0)),
        (({**WISH, "media_unit": "impressions"},), "spend", (120.0, 120.0, None)),  # has none
        (({**WISH, "media_unit": "SPEND"},), "spend", (120.0, 120.0, None)),
        (({**WISH, "model_id": "other"},), "spend", (120.0, 120.0, None)),
        ((WISH, {**WISH, "model_id": "m", "media_unit": None}), "spend", (120.0, 120.0, None)),
    ],
)
def test_the_client_says_what_a_channel_is_modelled_on(chain, priors, unit, first):
    nodes = ["int_mixloop__model_media", "int_mixloop__model_leaf_media"]
    chain.run([*nodes, "int_mixloop__model_node_media"], world(priors))
    units = chain.read("select media_unit from {int_mixloop__model_channels} "
                       "where channel_id = 'social'")  # fmt: skip
    assert units == [(unit,)]
    assert social(chain)[monday(0)] == first
    assert social(chain, table=nodes[1])[monday(0)] == first
    node = "select spend, exposure, media_unit from {int_mixloop__model_node_media} "
    assert chain.read(node + f"where node_id = 'social' and week = '{monday(0)}'") == [
        (*first[:2], unit)
    ]


def test_impressions_are_used_where_the_client_asks_for_them(chain):
    def seen(rows):
        return [row | {"impressions": 5.0 * row["spend"]} for row in rows]

    for priors, unit in (((), "spend"), (({**WISH, "media_unit": "impressions"},), "impressions")):
        chain.run(["int_mixloop__model_plans"], world(priors, seen))
        factor = 1.0 if unit == "spend" else 5.0
        assert social(chain)[monday(0)] == (120.0, 120.0 * factor, None)
        plans = chain.read(
            "select distinct planned_spend, planned_value, is_assumed "
            "from {int_mixloop__plan_channels} where item_id = 'social' and plan_id = 'base'"
        )
        assert plans == [(90.0, pytest.approx(90.0 * factor), False)]  # at the price of late


def test_beliefs_count_for_the_unit_they_are_about(chain):
    both = {"saturation_low": "0.3", "saturation_high": "0.6"}
    both |= {"half_frequency_low": "1.5", "half_frequency_high": "4"}
    names = "saturation_low, saturation_high, half_frequency_low, half_frequency_high"
    for unit, believed in (
        ("reach_frequency", (None, None, 1.5, 4.0)),
        ("spend", (0.3, 0.6, None, None)),
    ):
        chain.run(
            ["int_mixloop__model_channels", "int_mixloop__reach_findings"],
            world(({**WISH, "media_unit": unit, **both},)),
        )
        rows = chain.read(f"select {names} from {{int_mixloop__model_channels}} "
                          "where channel_id = 'social'")  # fmt: skip
        assert rows == [believed]
        assert ("prior_of_other_unit", "warn", "social") in findings(chain)


def test_plans_say_whom_they_reach_or_it_follows_from_the_money(chain):
    def plan(rows):
        kept = [row for row in rows if row["channel_id"] != "social"]
        own = [
            {"planned_spend": 90.0, "reach": 700.0, "frequency": 3.0},
            {"planned_spend": 90.0, "reach": 700.0},
            {"planned_spend": 90.0},
            {"planned_spend": 0.0},
        ]
        for k, values in enumerate(own):
            week = {"plan_id": "base", "week": tiny.week(tiny.N_WEEKS + k), "channel_id": "social"}
            kept.append(week | values)
        return [row for row in kept if row["week"] < tiny.week(tiny.N_WEEKS + 4)]

    chain.run(["int_mixloop__model_plans", "int_mixloop__model_leaf_plans"], world(plan=plan))
    spent = [tiny.spend("social", k) for k in range(tiny.N_WEEKS - 13, tiny.N_WEEKS)]
    price = sum(spent) / (13 * 1000.0)
    wanted = [
        (90.0, 700.0, 3.0, False),
        (90.0, 700.0, 2.0, False),
        (90.0, pytest.approx(90.0 / price), 2.0, False),
        (0.0, 0.0, 2.0, False),
    ]
    value = "planned_spend, planned_value, planned_frequency"
    where = f"where plan_id = 'base' and as_of_week = '{LAST}'"
    found = chain.read(
        f"select {value}, is_assumed from {{int_mixloop__model_plans}} {where} "
        "and item_id = 'social' order by week"
    )
    assert found == wanted
    leaves = chain.read(
        f"select {value} from {{int_mixloop__model_leaf_plans}} {where} "
        "and leaf_id = 'social' order by week"
    )
    assert leaves == [row[:3] for row in wanted]
    # before the plan was known everything goes on as it was
    before = chain.read(
        "select distinct planned_value, planned_frequency, is_assumed "
        "from {int_mixloop__model_plans} where plan_source = 'assumed' and item_id = 'social'"
    )
    assert before == [(1000.0, 2.0, True)]


def findings(chain):
    return set(chain.read("select check_name, severity, value from {int_mixloop__reach_findings}"))


FAULTS = {
    "reach_in_part": (changed(w10=[{}]), "warn"),
    "frequency_below_one": (changed(w10=[{"reach": 10.0, "frequency": 0.5}]), "warn"),
    "reach_above_impressions": (changed(w10=[{"reach": 10.0, "impressions": 9.0}]), "warn"),
    "contacts_not_impressions": (
        changed(w10=[{"reach": 10.0, "frequency": 2.0, "impressions": 25.0}]), "warn",
    ),
    "reach_in_several_rows": (
        changed(w10=[{"reach": 10.0, "frequency": 2.0}, {"reach": 11.0, "frequency": 2.0}]), "warn",
    ),
    "reach_of_several_line_items": (
        changed(w10=[{"reach": 10.0, "frequency": 2.0},
                     {"reach": 11.0, "frequency": 2.0, "campaign": "Social | two"}]), "info",
    ),
}  # fmt: skip


def test_sound_reach_has_nothing_to_say(chain):
    chain.run(["int_mixloop__reach_findings"], world())
    assert findings(chain) == set()


@pytest.mark.parametrize("check", FAULTS)
def test_what_cannot_be_right_is_said(chain, check):
    media, severity = FAULTS[check]
    chain.run(["int_mixloop__all_findings"], world(media=media))
    assert findings(chain) == {(check, severity, "social")}
    listed = chain.read(
        "select problem, remedy, is_overridable from {int_mixloop__all_findings} "
        f"where check_name = '{check}'"
    )
    assert len(listed) == 1 and listed[0][0] and listed[0][1] and not listed[0][2]


def test_reach_that_nobody_asked_for_is_a_hint(chain):
    chain.run(["int_mixloop__reach_findings"], world(()))
    assert findings(chain) == {("reach_not_modelled", "info", "social")}
    chain.run(["int_mixloop__reach_findings"], world((), FAULTS["reach_in_part"][0]))
    assert findings(chain) == {("reach_in_part", "info", "social")}


def test_a_wish_that_cannot_be_met_is_said(chain):
    wishes = ({**WISH, "channel_id": "tv"}, {**WISH, "channel_id": "search",
              "media_unit": "impressions"}, WISH)  # fmt: skip
    chain.run(["int_mixloop__reach_findings", "int_mixloop__model_channels"], world(wishes))
    assert findings(chain) == {
        ("media_unit_without_media", "warn", "reach_frequency"),
        ("media_unit_without_media", "warn", "impressions"),
    }
    problems = chain.read("select problem from {int_mixloop__reach_findings} order by 1")
    assert problems == [
        ("search has no impressions in model m: it is modelled on spend",),
        ("tv has no reach and frequency in model m: it is modelled on spend",),
    ]


def test_a_plan_of_less_than_one_contact_is_said(chain):
    def plan(rows):
        return [row | {"reach": 5.0, "frequency": 0.5} if k == 2 else row
                for k, row in enumerate(rows)]  # fmt: skip

    chain.run(["int_mixloop__reach_findings"], world(plan=plan))
    names = "check_name, input_name, source_row"
    found = chain.read(f"select {names} from {{int_mixloop__reach_findings}}")
    assert found == [("frequency_below_one", "plan", 3)]
