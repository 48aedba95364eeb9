"""Nodes below and beside modelled channels, from raw rows to published numbers.

Random trees go through the project's SQL and its Python models with a posterior made by hand; what
every node must have is added up from the raw rows, leaf by leaf, draw by draw.
"""

from datetime import timedelta

import numpy as np
import planted
import polars as pl
import pytest
from tests.warehouse.chain import Chain, compile_project

from mixloop.allocation import CARRIED_OVER_EXPOSURE
from mixloop.posterior import posterior_to_frame
from mixloop.schemas import CURRENT_RUNS, POSTERIOR, conform
from mixloop.transforms import adstock, adstock_weights, hill

N_WEEKS, LEAD, HORIZON = 40, 2, 3
WEEKS = [planted.FIRST.item() + timedelta(weeks=t - LEAD) for t in range(N_WEEKS + LEAD)]
LAST = WEEKS[-1]
GEOS = ("a", "b")
FACTS = ("contributions", "channel_performance", "forecasts", "forecast_variance")
LIVE = [f"int_mixloop__{name}" for name in FACTS]


class World:
    """A random client: a tree with modelled channels, two other roll-ups, media and a plan.

    `holds` maps every published node to the leaves it adds up, by construction.
    """

    def __init__(self, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        self.tree = [("main", "media", "", False)]
        self.holds: dict[str, set[str]] = {}
        self.leaves: dict[str, list[str]] = {}  # of every modelled channel
        self.hierarchy: dict[str, str] = {}
        for c in range(int(rng.integers(1, 5))):
            self.add_channel(f"c{c}", "media" if rng.random() < 0.5 else self.add_group(c))
        every = [leaf for leaves in self.leaves.values() for leaf in leaves]
        self.tree.append(("main", "blog", "media", False))  # a leaf that no model estimates
        self.holds["media"] = set(every)
        for name in ("team", "funnel"):
            self.add_hierarchy(name, every)
        self.exposure = {leaf: self.draw_media() for leaf in every}
        self.units = {c: "impressions" if c == "c1" else "spend" for c in self.leaves}
        for leaf in self.leaves["c0"]:
            self.exposure[leaf][:, LEAD + 5 :] += 1.0  # always a channel with media

    def add_group(self, c: int) -> str:
        """Add an inner node of the main tree and return it."""
        self.tree.append(("main", f"group{c}", "media", False))
        return f"group{c}"

    def add_channel(self, channel: str, parent: str) -> None:
        """Add a modelled channel: a leaf, or with leaves below it, some of them two levels down."""
        self.tree.append(("main", channel, parent, True))
        count = int(self.rng.integers(0, 4))
        leaves = [f"{channel}_{k}" for k in range(count)]
        for k, leaf in enumerate(leaves):
            above = channel
            if k == 0 and count > 1 and self.rng.random() < 0.5:
                above = f"{channel}_mid"
                self.tree.append(("main", above, channel, False))
                self.holds[above] = {leaf}
            self.tree.append(("main", leaf, above, False))
            self.holds[leaf] = {leaf}
        self.leaves[channel] = leaves or [channel]
        self.holds[channel] = set(self.leaves[channel])
        if parent != "media":
            self.holds.setdefault(parent, set()).update(self.leaves[channel])

    def add_hierarchy(self, name: str, every: list[str]) -> None:
        """Place leaves, or whole channels, under two nodes; what is left over is unassigned."""
        self.tree += [(name, "top", "", False)]
        left = set(every)
        for g in range(2):
            mine = [leaf for leaf in sorted(left) if self.rng.random() < 0.45]
            if not mine:
                continue
            self.tree.append((name, f"g{g}", "top", False))
            held = set()
            for leaf in mine:
                channel = next(c for c, leaves in self.leaves.items() if leaf in leaves)
                whole = set(self.leaves[channel])
                if leaf in held:
                    continue
                if whole <= left - held and self.rng.random() < 0.4:
                    self.tree.append((name, channel, f"g{g}", False))
                    held |= whole
                else:
                    self.tree.append((name, leaf, f"g{g}", False))
                    held.add(leaf)
            left -= held
            self.holds[f"{name}:g{g}"] = held
            self.hierarchy[f"{name}:g{g}"] = name
        if len(left) == len(every):
            self.tree = [row for row in self.tree if row[0] != name]
            return
        self.holds[f"{name}:top"] = set(every) - left
        self.hierarchy[f"{name}:top"] = name
        if left:
            self.holds[f"{name}:unassigned"] = left
            self.hierarchy[f"{name}:unassigned"] = name

    def draw_media(self) -> np.ndarray:
        """Return whole numbers by geo and week, many of them zero."""
        values = self.rng.integers(1, 90, (len(GEOS), len(WEEKS)))
        return (values * (self.rng.random(values.shape) < 0.5)).astype(float)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the client's tables."""
        media = [
            {
                "date": day,
                "platform": "p",
                "campaign": leaf,
                "geo": geo,
                "spend": values[j, t] if self.unit(leaf) == "spend" else 0.0,
                "impressions": shown[j, t] if self.unit(leaf) == "spend" else values[j, t],
            }
            for leaf, values in (self.exposure | {"blog": self.draw_media()}).items()
            for shown in [100.0 * self.draw_media()]  # paid channels are modelled on spend
            for j, geo in enumerate(GEOS)
            for t, day in enumerate(WEEKS)
        ]
        outcomes = [
            {"date": day, "geo": geo, "kpi": "sales", "value": 500.0 + 7 * ((t * t) % 13)}
            for geo in GEOS
            for t, day in enumerate(WEEKS[LEAD:])
        ]
        columns = ["hierarchy_id", "channel_id", "parent_id", "is_modelled"]
        tree = pl.DataFrame(self.tree, schema=columns, orient="row")
        rules = [
            {"priority": k, "match_field": "campaign", "match_type": "exact", "pattern": leaf}
            | {"channel_id": leaf}
            for k, leaf in enumerate([*self.exposure, "blog"])
        ]
        model = {"model_id": "m", "kpi": "sales", "geos": ";".join(GEOS)}
        return {
            "media": pl.DataFrame(media),
            "outcomes": pl.DataFrame(outcomes),
            "plan": pl.DataFrame(self.plan()),
            "channel_hierarchy": tree.with_columns(label="channel_id"),
            "channel_mapping": pl.DataFrame(rules),
            "model_definitions": pl.DataFrame(
                [model | {"forecast_horizon_weeks": HORIZON, "training_weeks": N_WEEKS}]
            ),
        }

    def unit(self, leaf: str) -> str:
        """Return what a leaf's channel is modelled on."""
        return next((self.units[c] for c, own in self.leaves.items() if leaf in own), "spend")

    def plan(self) -> list[dict]:
        """Return a plan that names leaves, nodes between or channels, in a geo or nationally."""
        named = [node for h, node, *_ in self.tree if h == "main" and node.startswith("c")]
        rows = []
        for h in range(1, HORIZON + 1):
            for node in named:
                for geo in (*GEOS, "national"):
                    if self.rng.random() < 0.3 or (h, node, geo) == (1, "c0", "a"):
                        amount = float(self.rng.integers(1, 50))
                        rows.append({
                            "plan_id": "p", "week": LAST + timedelta(weeks=h), "channel_id": node,
                            "geo": geo, "planned_spend": amount,
                        })  # fmt: skip
        if not any(row["week"] == LAST + timedelta(weeks=2) for row in rows):
            rows = [row for row in rows if row["week"] == LAST + timedelta(weeks=1)]
        return rows

    def run(self, channels: tuple[str, ...], units: tuple[str, ...]) -> planted.Posterior:
        """Return draws of a model of these channels, each with a kernel of its own."""
        rng, n = self.rng, 8
        shape = (n, len(channels))
        return planted.posterior(
            rng.gamma(2.0, 0.05, (n, len(GEOS), len(channels))), N_WEEKS, level=0.8,
            geos=GEOS, channels=channels, media_units=units, kpi_scale=np.array([100.0, 150.0]),
            exposure_scale=np.full((len(GEOS), len(channels)), 120.0), carryover_weeks=3,
            kernel=rng.choice(["geometric", "delayed"], shape),
            decay=rng.choice([0.0, 0.4, 0.7], shape), half=rng.choice([0.3, 0.9], shape),
            slope=rng.choice([0.7, 1.0, 1.5], shape),
        )  # fmt: skip


def ledger(run: planted.Posterior, run_id: str, kind: str, last) -> pl.DataFrame:
    """Return a run as rows of the posterior ledger."""
    run = planted.replace(run, run_id=run_id, run_kind=kind, last_week=np.datetime64(last))
    frame = posterior_to_frame(run).with_columns(
        pl.lit(7).alias("seed"), pl.lit("x").alias("code_hash"), pl.lit("x").alias("config_hash")
    )
    missing = [pl.lit(None).alias(name) for name in POSTERIOR if name not in frame.columns]
    return conform(frame.with_columns(missing), POSTERIOR)


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root), live=LIVE)


@pytest.fixture(scope="module", params=range(16))
def built(request, chain) -> tuple[World, planted.Posterior]:
    """Build a world, once for all tests about it; return it and its run."""
    world = World(request.param)
    return world, build(chain, world)


def build(chain: Chain, world: World) -> planted.Posterior:
    """Run a world through the chain; return the run that its numbers come from."""
    chain.run(["int_mixloop__model_channels"], world.tables())
    rows = chain.read("select channel_id, media_unit from {int_mixloop__model_channels} order by 1")
    run = world.run(*(tuple(column) for column in zip(*rows, strict=True)))
    ends = {"live": LAST, "back": LAST - timedelta(weeks=13)}
    kinds = {"live": "live", "back": "backtest"}
    runs = [(name, "m", kinds[name], day) for name, day in ends.items()]
    given = {
        "int_mixloop__posterior": pl.concat(
            [ledger(run, name, kinds[name], day) for name, day in ends.items()]
        ),
        "int_mixloop__current_runs": pl.DataFrame(runs, schema=CURRENT_RUNS, orient="row"),
    }
    marts = [f"mixloop__{name}" for name in FACTS]
    chain.run([*marts, "int_mixloop__component_links"], given=given)
    return run


def published(chain: Chain, table: str, node: str, value: str, keys: str, where: str) -> dict:
    """Return {key: {node: value}} of a published table."""
    rows = chain.read(
        f"select ({keys})::varchar, {node}, {value} from {{{table}}} where {where} order by all"
    )
    found: dict = {}
    for key, name, number in rows:
        found.setdefault(key, {})[name] = number
    return found


def assert_nodes_add_up_their_leaves(found: dict, world: World, leaves: dict) -> None:
    """Fail unless every node of the world is there and has what its leaves have, in every key."""
    present = {leaf for own in leaves.values() for leaf in own}
    wanted = {node: held & present for node, held in world.holds.items()}
    wanted = {node: held for node, held in wanted.items() if held}
    assert found
    for key, values in found.items():
        assert set(values) == set(wanted), key
        for node, held in wanted.items():
            expected = sum(values[leaf] for leaf in sorted(held))
            assert values[node] == pytest.approx(expected, rel=1e-9, abs=1e-9), (key, node)


def test_random_trees_add_up_from_raw_rows_to_what_is_published(chain, built):
    world, run = built
    leaves = {c: own for c, own in world.leaves.items() if c in run.channels}
    weekly = "run_id || geo || week"
    spend = "component_type = 'channel'"
    for table, node, values, keys, where in (
        ("mixloop__contributions", "component_id", ("contribution_mean",), weekly, spend),
        (
            "mixloop__forecasts", "component_id", ("forecast_mean", "planned_spend"),
            "run_id || plan_id || geo || week", spend,
        ),
        (
            "mixloop__forecast_variance", "driver_id", ("variance_mean",),
            "run_id || plan_id || geo || week", "driver_type = 'channel' and cause = 'total'",
        ),
        (
            "mixloop__channel_performance", "channel_id", ("effect_mean", "spend"),
            "run_id || period_id", "is_estimated",
        ),
    ):  # fmt: skip
        for value in values:
            found = published(chain, table, node, value, keys, where)
            assert_nodes_add_up_their_leaves(found, world, leaves)
    hierarchies = chain.read(
        "select component_id, any_value(hierarchy_id), any_value(allocation) "
        "from {mixloop__contributions} where component_type = 'channel' group by 1"
    )
    for node, hierarchy, rule in hierarchies:
        assert hierarchy == world.hierarchy.get(node, "main")
        in_part = any(0 < len(world.holds[node] & set(own)) < len(own) for own in leaves.values())
        below = any(node in own and node != c for c, own in leaves.items())
        by_rule = in_part or below or node.endswith("_mid")
        assert rule == (CARRIED_OVER_EXPOSURE if by_rule else None), node


@pytest.mark.parametrize("built", [0, 3, 5, 8], indirect=True)
def test_leaves_have_their_share_of_carried_over_exposure(chain, built):
    """By a loop over draws, from the raw rows of the leaf and of its siblings."""
    world, run = built
    found = published(
        chain, "mixloop__contributions", "component_id", "contribution_mean",
        "geo || week", "component_type = 'channel' and geo != 'all'",
    )  # fmt: skip
    checked = 0
    for c, channel in enumerate(run.channels):
        own = np.array([world.exposure[leaf] for leaf in world.leaves[channel]])  # (n, J, T)
        for j, geo in enumerate(GEOS):
            effect = np.zeros((len(own), len(WEEKS)))
            for s in range(len(run.coef)):
                weights = adstock_weights(run.kernel[s, c], run.decay[s, c], run.carryover_weeks)
                carried = adstock(own[:, j], weights)
                whole = carried.sum(axis=0)
                height = hill(whole / 120.0, run.half[s, c], run.slope[s, c])
                share = carried / np.where(whole > 0, whole, 1.0)
                effect += share * height * run.coef[s, j, c] * run.kpi_scale[j]
            for leaf, values in zip(world.leaves[channel], effect / len(run.coef), strict=True):
                shown = [found[f"{geo}{day}"][leaf] for day in WEEKS[LEAD:]]
                np.testing.assert_allclose(shown, values[LEAD:], rtol=1e-9, atol=1e-12)
                checked += 1
    assert checked >= len(GEOS)


def test_plans_of_leaves_add_up_to_the_plan_of_their_channel(chain, built):
    world, _ = built
    plans = chain.read(
        "select geo, week, item_id, planned_spend, planned_value from {int_mixloop__model_plans} "
        "where plan_id = 'p' and item_type = 'channel'"
    )
    wanted = {tuple(key): values for *key, spend, value in plans for values in [(spend, value)]}
    found = dict.fromkeys(wanted, (0.0, 0.0))
    told = {}
    for geo, week, channel, leaf, spend, value in chain.read(
        "select geo, week, channel_id, leaf_id, planned_spend, planned_value "
        "from {int_mixloop__model_leaf_plans} where plan_id = 'p'"
    ):
        assert leaf in world.leaves[channel]
        so_far = found[geo, week, channel]
        found[geo, week, channel] = (so_far[0] + spend, so_far[1] + value)
        told[geo, week, leaf] = (spend, value)
    forecast = {
        (geo, week, node): (spend, value)
        for geo, week, node, spend, value in chain.read(
            "select geo, week, component_id, planned_spend, planned_value "
            "from {mixloop__forecasts} "
            "where plan_id = 'p' and planned_value is not null and geo != 'all'"
        )
    }
    assert wanted
    for key, values in told.items():
        assert forecast[key] == pytest.approx(values, rel=1e-9, abs=1e-9)
    for key, values in wanted.items():
        assert found[key] == pytest.approx(values, rel=1e-9, abs=1e-9)
