"""Children of a modelled channel: media of its leaves, and their shares of what it carries over.

A channel is estimated as a whole. What lies below it is published by one named rule,
`carried_over_exposure`: in every week and every draw a leaf's part of the channel's effect is its
part of the channel's carried-over exposure, with the kernel of that draw. Carrying over is linear,
so the leaves' parts add up to one; where nothing is carried over there is no effect to share.
Exposure of a channel that is modelled on reach is people reached, each worth what their contacts
make of them under the draw's curve (`evaluate.Shapes.leaf_exposure`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from mixloop.panel import Panel
from mixloop.transforms import adstock

CARRIED_OVER_EXPOSURE = "carried_over_exposure"
LEAF_MEDIA = {
    "geo": pl.String(),
    "week": pl.Date(),
    "leaf_id": pl.String(),
    "spend": pl.Float64(),
    "exposure": pl.Float64(),
    "frequency": pl.Float64(),  # contacts per person reached; null for other units
}


@dataclass(frozen=True)
class Leaves:
    """Media of L leaves, at the geos and weeks of a panel.

    Attributes
    ----------
    ids : tuple of str, (L,)
    channel : ndarray of int, (L,)
        The panel's channel above each leaf.
    exposure, spend : ndarray, (J, T, L)
        Exposure in the channel's unit. A channel's leaves add up to it, in every geo and week.
    frequency : ndarray, (J, T, L), optional
        Contacts per person reached, of leaves below a channel that is modelled on reach.
    """

    ids: tuple[str, ...]
    channel: np.ndarray
    exposure: np.ndarray
    spend: np.ndarray
    frequency: np.ndarray | None = None

    def frequency_of(self, at: np.ndarray, geo: int | slice = slice(None)) -> np.ndarray | None:
        """Return the frequency of leaves, (n, J, T), or (n, T) of one geo; None without any."""
        return None if self.frequency is None else np.moveaxis(self.frequency[geo][..., at], -1, 0)

    def below(self, channel: int) -> np.ndarray:
        """Return the places of a channel's leaves, (n,)."""
        return np.flatnonzero(self.channel == channel)


def spread(whole: np.ndarray, leaves: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Return what the leaves have of their channels, (J, T, L), adding up to the channels.

    Parameters
    ----------
    whole : ndarray, (J, T, C)
        What the channels have.
    leaves : ndarray, (J, T, L)
        What the leaves are known to have; only their proportions count. Where the leaves of a
        channel have nothing, the channel is split evenly.
    channel : ndarray of int, (L,)
        The channel above each leaf.

    Examples
    --------
    >>> spread(np.array([[[4.0], [6.0]]]), np.array([[[1.0, 3.0], [0.0, 0.0]]]), np.array([0, 0]))
    array([[[1., 3.],
            [3., 3.]]])
    """
    out = np.empty(leaves.shape)
    for c in np.unique(channel):
        at = np.flatnonzero(channel == c)
        total = leaves[..., at].sum(axis=-1, keepdims=True)
        share = np.full((*total.shape[:-1], len(at)), 1.0 / len(at))
        np.divide(leaves[..., at], total, out=share, where=total > 0)
        out[..., at] = share * whole[..., c, None]
    return out


def known_leaves(
    panel: Panel, places: tuple[tuple[int, str], ...], media: pl.DataFrame, value: str
) -> np.ndarray:
    """Spread a column of leaf rows over the panel's geos and weeks: (J, T, L), zero without a row.

    Parameters
    ----------
    places : tuple of (channel, leaf_id), (L,)
    media : DataFrame
        geo, week, leaf_id and the value; one model, at most one row for a geo, week and leaf.
    """
    out = np.zeros((len(panel.geos), len(panel.weeks), len(places)))
    at = {leaf: k for k, (_, leaf) in enumerate(places)}
    rows = media.filter(
        pl.col("geo").is_in(list(panel.geos)),
        pl.col("leaf_id").is_in(list(at)),
        pl.col("week").is_between(panel.weeks[0].item(), panel.weeks[-1].item()),
    )
    geo = np.array([panel.geos.index(name) for name in rows["geo"]], dtype=int)
    leaf = np.array([at[name] for name in rows["leaf_id"]], dtype=int)
    week = np.searchsorted(panel.weeks, rows["week"].to_numpy().astype("datetime64[D]"))
    out[geo, week, leaf] = rows[value].to_numpy()
    return out


def leaf_frequency(
    panel: Panel, places: tuple[tuple[int, str], ...], media: pl.DataFrame
) -> np.ndarray | None:
    """Return the leaves' frequency, (J, T, L): where it is not known their channel's."""
    if panel.frequency is None:
        return None
    whole = panel.frequency[..., [c for c, _ in places]]
    if "frequency" not in media.columns:
        return whole
    own = known_leaves(panel, places, media.drop_nulls("frequency"), "frequency")
    return np.where(own > 0, own, whole)


def leaves_of(
    panel: Panel, places: tuple[tuple[int, str], ...], media: pl.DataFrame | None
) -> Leaves:
    """Return the leaves' media at a panel's geos and weeks.

    Parameters
    ----------
    panel : Panel
        Aligned to the run.
    places : tuple of (channel, leaf_id), (L,)
        The leaves that are asked for: all leaves of a channel, or none of it.
    media : DataFrame, optional
        geo, week, leaf_id, spend, exposure of this model; rows of zero may be missing. Not needed
        when no leaves are asked for. It may have a frequency: a leaf without one has its channel's.

    Raises
    ------
    ValueError
        When leaves are asked for and there is no media.
    """
    if media is None:
        if places:
            raise ValueError(f"media of the leaves {[leaf for _, leaf in places]} is not given")
        media = pl.DataFrame(schema=LEAF_MEDIA)
    channel = np.array([c for c, _ in places], dtype=int)
    return Leaves(
        ids=tuple(leaf for _, leaf in places),
        channel=channel,
        exposure=spread(panel.exposure, known_leaves(panel, places, media, "exposure"), channel),
        spend=spread(panel.spend, known_leaves(panel, places, media, "spend"), channel),
        frequency=leaf_frequency(panel, places, media),
    )


def carried_shares(exposure: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return each leaf's share of the carried-over exposure of its channel.

    Parameters
    ----------
    exposure : ndarray, (n, ..., T)
        All leaves of one channel.
    weights : ndarray, (V, L + 1)
        Adstock kernels.

    Returns
    -------
    ndarray, (n, V, ..., T)
        Adds up to one over the leaves; equal shares where nothing is carried over.

    Examples
    --------
    Half of an exposure works a week later. The first leaf has 2 in the first week, the second 2 in
    the second week: then each has half of what works.

    >>> carried_shares(np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([[0.5, 0.5]]))[:, 0].tolist()
    [[1.0, 0.5], [0.0, 0.5]]
    """
    ones = (1,) * (exposure.ndim - 2)
    kernels = weights.reshape(len(weights), *ones, -1)
    return shares_of(adstock(exposure[:, None], kernels))


def shares_of(values: np.ndarray) -> np.ndarray:
    """Return each row's share of the sum over rows (n, ...): equal shares where that is zero."""
    total = values.sum(axis=0)
    share = np.full(values.shape, 1.0 / len(values))
    np.divide(values, total, out=share, where=total > 0)
    return share
