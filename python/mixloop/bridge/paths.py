"""The way of media from plan to what came, in steps that each have one cause.

Exposure of the forecast's weeks, and the history before them that carries over into them:

    step         history as       the forecast's weeks
    plan         the run knew it  as planned
    spend        the run knew it  money that was spent more or less in all, at the planned price
    media_price  the run knew it  the same money at the price that was paid
    timing       the run knew it  the weeks in which it ran, as they were first known
    frequency    the run knew it  how often each person was reached, as it was first known
    restated     known today      as known today, under the forecast's mapping
    mapping      known today      as known today, under today's mapping
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixloop.allocation import spread

MEDIA_CAUSES = ("spend", "media_price", "timing", "frequency", "restated", "mapping")
STEPS = ("plan", *MEDIA_CAUSES)
SAME = 1e-9  # relative difference below which two sums of the same rows are one number


def net_share(planned: np.ndarray, came: np.ndarray) -> np.ndarray:
    """Return how much of each week's gap is spend; the rest ran in other weeks instead.

    Over all weeks a channel has spent more or less than planned: the net. It is found in the weeks
    whose gap goes the same way, in proportion to their gaps. What these weeks have beyond the net,
    the others have the other way round: it was moved from week to week.

    Parameters
    ----------
    planned, came : ndarray, (J, H, C)

    Returns
    -------
    ndarray, (J, H, C), 0 to 1
        1 in weeks without a gap: a change within a channel is no timing.

    Examples
    --------
    Ten a week were planned. A flight that runs a week later is timing, a week that is left out is
    spend; of one that is made up for by half, half is timing.

    >>> late = net_share(np.array([[[10.0], [0.0]]]), np.array([[[0.0], [10.0]]]))
    >>> less = net_share(np.array([[[10.0], [10.0]]]), np.array([[[10.0], [0.0]]]))
    >>> half = net_share(np.array([[[10.0], [10.0]]]), np.array([[[0.0], [15.0]]]))
    >>> late.ravel().tolist(), less.ravel().tolist(), half.ravel().tolist()
    ([0.0, 0.0], [1.0, 1.0], [0.5, 0.0])
    """
    gap = came - planned
    gap = np.where(np.abs(gap) <= SAME * np.maximum(np.abs(planned), np.abs(came)), 0.0, gap)
    net = gap.sum(axis=1, keepdims=True)
    way = np.abs(np.where(gap * np.sign(net) > 0, gap, 0.0))
    whole = way.sum(axis=1, keepdims=True)
    share = np.divide(np.abs(net), whole, out=np.zeros_like(net), where=whole > 0)
    return np.where(way > 0, np.minimum(share, 1.0), np.where(gap == 0, 1.0, 0.0))


@dataclass(frozen=True)
class Media:
    """Exposure and money of the forecast's weeks in one state of knowledge.

    Attributes
    ----------
    exposure, spend : ndarray, (J, H, C)
    leaves : ndarray, (J, H, L)
        Exposure of the leaves, of which only the proportions count.
    """

    exposure: np.ndarray
    spend: np.ndarray
    leaves: np.ndarray


def _unit_price(media: Media) -> np.ndarray:
    """Return money per exposure of every week, that of all weeks together where a week has none."""
    money, volume = (part.sum(axis=1, keepdims=True) for part in (media.spend, media.exposure))
    usual = np.divide(money, volume, out=np.full_like(money, np.nan), where=volume > 0)
    out = np.broadcast_to(usual, media.spend.shape).copy()
    has_both = (media.exposure > 0) & (media.spend > 0)
    return np.divide(media.spend, media.exposure, out=out, where=has_both)


def _bought(plan: Media, came: Media) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return exposure after spend and after price, and the share of each week's gap that is spend.

    For channels whose exposure is bought: impressions, not money. Where either side has no money or
    no exposure there is no price, and the volume itself counts as spend.
    """
    sums = [part.sum(axis=1, keepdims=True) for side in (plan, came) for part in
            (side.spend, side.exposure)]  # fmt: skip
    has_price = np.all([total > 0 for total in sums], axis=0)
    by_money, by_volume = (
        net_share(getattr(plan, name), getattr(came, name)) for name in ("spend", "exposure")
    )
    share = np.where(has_price, by_money, by_volume)
    money = plan.spend + share * (came.spend - plan.spend)
    volume = plan.exposure + share * (came.exposure - plan.exposure)
    with np.errstate(divide="ignore", invalid="ignore"):
        at_plan, at_paid = money / _unit_price(plan), money / _unit_price(came)
    # a week without a change of money is as planned to the last bit
    at_plan = np.where(money == plan.spend, plan.exposure, at_plan)
    return (
        np.where(has_price, at_plan, volume),
        np.where(has_price, at_paid, volume),
        share,
    )


def media_steps(
    plan: Media,
    first: Media,
    kept: Media,
    now: Media,
    *,
    is_money: np.ndarray,
    price: np.ndarray,
    price_now: np.ndarray,
    channel: np.ndarray,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return exposure of channels (J, H, C) and leaves (J, H, L) at the plan and after every cause.

    Parameters
    ----------
    plan, first, kept, now : Media
        As planned; as first known and as known today, both under the forecast's mapping; as known
        today under today's mapping.
    is_money : ndarray of bool, (C,)
        Channels that are modelled on money.
    price : ndarray, (J, H, C)
        For channels modelled on money: price of media over the price that was to be expected. What
        money buys is divided by it from step `media_price` on. 1 where impressions are unknown.
    price_now : ndarray, (J, H, C)
        The same of the channels as today's mapping has them, for step `mapping`.
    channel : ndarray of int, (L,)
        The channel above each leaf.

    Returns
    -------
    list of 7 tuples, in the order of `STEPS`
        Of people reached, not of how often: `frequency` moves no exposure.
    """
    share = net_share(plan.exposure, first.exposure)
    mixed = plan.exposure + share * (first.exposure - plan.exposure)
    bought, paid, bought_share = _bought(plan, first)
    share = np.where(is_money, share, bought_share)
    price, price_now = (np.where(is_money, ratio, 1.0) for ratio in (price, price_now))
    volumes = [
        plan.exposure,
        np.where(is_money, mixed, bought),
        np.where(is_money, mixed / price, paid),
        *(side.exposure / price for side in (first, first, kept)),
        now.exposure / price_now,
    ]
    between = plan.leaves + share[..., channel] * (first.leaves - plan.leaves)
    parts = [plan.leaves, between, between, *(side.leaves for side in (first, first, kept, now))]
    return [(v, spread(v, part, channel)) for v, part in zip(volumes, parts, strict=True)]
