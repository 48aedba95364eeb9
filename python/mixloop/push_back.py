"""Verdicts on channels, and the sentences that tell a marketing lead why."""

from __future__ import annotations

import re
from dataclasses import dataclass

LABEL_LENGTH = 60  # longer labels are cut in sentences
TURNING = "[\u202a-\u202e\u2066-\u2069]"  # would turn the rest of a sentence around
PRIOR = "what was assumed beforehand"


@dataclass(frozen=True)
class Thresholds:
    """Where a channel stops being one that data can speak for; the vars of the same names."""

    min_active_weeks: float = 12
    min_share_of_spend: float = 0.01
    min_variation: float = 0.05
    min_history_weeks: float = 104
    vif_warn: float = 10
    vif_fail: float = 1000
    correlation_warn: float = 0.9
    correlation_fail: float = 0.999


@dataclass(frozen=True)
class Evidence:
    """What was measured of one node over the training weeks of one model.

    Attributes
    ----------
    role : str
        `modelled`, `child` (below a modelled node) or `subtotal` (above some).
    label : str
    n_weeks : int
        Training weeks.
    active_weeks, history_weeks : int
    spend, share_of_spend, variation, effective_observations : float
    vif, correlation : float
        NaN for subtotals and where nothing moves.
    moves_with, moves_with_label : str or None
        The channel it is most correlated with.
    is_sibling : bool or None
        Whether that channel has the same parent.
    nearest_sibling : str or None
        The sibling it would be pooled with.
    parent_label, modelled_label : str or None
        Its parent, and the modelled node at or above it.
    """

    role: str
    label: str
    n_weeks: int
    active_weeks: int
    history_weeks: int
    spend: float
    share_of_spend: float
    variation: float
    effective_observations: float
    vif: float = float("nan")
    moves_with: str | None = None
    moves_with_label: str | None = None
    correlation: float = float("nan")
    is_sibling: bool | None = None
    nearest_sibling: str | None = None
    parent_label: str | None = None
    modelled_label: str | None = None


def decide(found: Evidence, limits: Thresholds, *, unit: str | None) -> tuple[str | None, str]:
    """Return the verdict on a node and its cause; the verdict is None for a subtotal.

    The first that applies:

    1. `test_first` (few_weeks): too few active weeks for any of what follows to mean anything.
    2. `hold_fixed` (flat): it hardly varies, so no likeness to others can be seen either.
    3. `merge` (alike): correlation or VIF beyond the fail thresholds, and what it moves with most
       is a sibling.
    4. `pool` (alike): the same with the warn thresholds.
    5. `test_first` (alike): as alike, but with a channel that is no sibling.
    6. `pool` (small): too small a share of spend, with a sibling to be pooled with.
    7. `test_first` (small): too small, without one.
    8. `model` (fine).

    Parameters
    ----------
    found : Evidence
    limits : Thresholds
    unit : str or None
        `spend`, or `impressions` for a channel without any spend, which is not judged by its share.

    Returns
    -------
    verdict : str or None
    cause : str
    """
    if found.role == "subtotal":
        return None, "subtotal"
    if found.active_weeks < max(limits.min_active_weeks, 1):
        return "test_first", "few_weeks"
    if found.variation < limits.min_variation:
        return "hold_fixed", "flat"
    likeness = abs(found.correlation)
    if likeness >= limits.correlation_warn or found.vif >= limits.vif_warn:
        if not found.is_sibling:
            return "test_first", "alike"
        beyond = likeness >= limits.correlation_fail or found.vif >= limits.vif_fail
        return "merge" if beyond else "pool", "alike"
    if unit == "spend" and found.share_of_spend < limits.min_share_of_spend:
        return "test_first" if found.nearest_sibling is None else "pool", "small"
    return "model", "fine"


def percent(share: float) -> str:
    """Return a share as a percentage with as many digits as it deserves.

    Examples
    --------
    >>> percent(0.1234), percent(0.0123), percent(0.00012), percent(0.0)
    ('12%', '1.2%', '0.012%', '0%')
    """
    value = 100.0 * share
    if value == 0 or value >= 9.95:
        return f"{value:.0f}%"
    return f"{value:.1f}%" if value >= 0.095 else f"{value:.2g}%"


def decimals(value: float) -> str:
    """Return a correlation so that a value near one does not read as one.

    Examples
    --------
    >>> decimals(0.5), decimals(-0.954), decimals(0.9995), decimals(1.0)
    ('0.50', '-0.95', '0.9995', '1.00')
    """
    return f"{value:.2f}" if abs(value) < 0.985 or abs(value) == 1 else f"{value:.4f}"


def count(value: float) -> str:
    """Return a number as a count or ratio, `1,000,000 or more` at the limit of VIF."""
    if value >= 1e6:
        return "1,000,000 or more"
    return f"{value:,.0f}" if value >= 99.95 or value == int(value) else f"{value:.1f}"


def short(label: str | None) -> str:
    """Return a label cut to a length that a sentence can carry."""
    visible = re.sub(TURNING, "", label or "")
    text = " ".join(visible.split())
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def _likeness(found: Evidence, limits: Thresholds) -> str:
    """Return what a channel moves with, in numbers."""
    other = short(found.moves_with_label)
    kind = "its sibling " if found.is_sibling else ""
    pair = f"correlation {decimals(found.correlation)}"
    if abs(found.correlation) >= limits.correlation_warn:
        how = "moves together with" if found.correlation > 0 else "moves against"
        vif = f", variance inflation {count(found.vif)}" if found.vif >= limits.vif_warn else ""
        return f"It {how} {kind}{other} ({pair}{vif})"
    return (
        f"The other channels together explain {percent(1 - 1 / found.vif)} of its ups and downs "
        f"(variance inflation {count(found.vif)}), {kind}{other} most ({pair})"
    )


def _few_weeks(found: Evidence, limits: Thresholds) -> str:
    if found.active_weeks == 0:
        return (
            f"It had no media in the {found.n_weeks} training weeks, so the model leaves it out. "
            "Run it, or take it out of the list of modelled channels"
        )
    said = (
        f"It ran in {found.active_weeks} of {found.n_weeks} weeks; at least "
        f"{count(limits.min_active_weeks)} are needed before its effect can be told from chance. "
        "Run it longer or plan a test"
    )
    return said if found.role == "child" else f"{said}; until then its range rests on {PRIOR}"


def _flat(found: Evidence, limits: Thresholds) -> str:
    said = (
        f"Its media varies by {percent(found.variation)} around its mean (less than "
        f"{percent(limits.min_variation)}): what more or less of it would do was never seen"
    )
    if found.role == "child":
        return f"{said}. On its own, its effect would rest on {PRIOR}"
    return f"{said}. Its effect rests on {PRIOR}; hold it fixed until its spend moves"


def _alike(found: Evidence, limits: Thresholds, verdict: str) -> str:
    said, parent = _likeness(found, limits), short(found.parent_label)
    is_child = found.role == "child"
    if verdict == "merge":
        said = f"{said}: the data cannot tell the two apart at all"
        if is_child:
            return f"{said}. Keep them as one under {parent}"
        return (
            f"{said}. Model them as one under {parent}; until then they share what is learned of "
            f"{parent}, and the range of {parent} is the one to trust"
        )
    if verdict == "pool":
        said = f"{said}: the data can hardly tell them apart"
        if is_child:
            return f"{said}. On their own they would share what is learned of {parent}"
        return (
            f"{said}. They stay two lines that share what is learned of {parent}, and the range of "
            f"{parent} is the one to trust"
        )
    return (
        f"{said}, which is no sibling and cannot be pooled with it. Only moving one without the "
        "other can tell them apart: plan a test"
    )


def _small(found: Evidence, limits: Thresholds, verdict: str) -> str:
    size = (
        f"It is {percent(found.share_of_spend)} of the spend (less than "
        f"{percent(limits.min_share_of_spend)}), too small to be seen in the KPI on its own"
    )
    parent = short(found.parent_label)
    if verdict == "test_first":
        return (
            f"{size}, and there is no sibling it could be pooled with. Plan a test, or spend more"
        )
    if found.role == "child":
        return f"{size}. Keep it as part of {parent}"
    return f"{size}. It stays a line that shares what is learned of {parent}"


def _fine(found: Evidence, unit: str | None) -> str:
    size = f" with {percent(found.share_of_spend)} of the spend" if unit == "spend" else ""
    alike = (
        "there is nothing else it could be mixed up with"
        if found.moves_with is None
        else f"most like {short(found.moves_with_label)} (correlation "
        f"{decimals(found.correlation)}), which leaves enough ups and downs of its own"
    )
    said = f"It ran in {found.active_weeks} of {found.n_weeks} weeks{size}; {alike}"
    return f"{said}. It could be modelled on its own" if found.role == "child" else said


def explain(
    found: Evidence, verdict: str | None, cause: str, limits: Thresholds, *, unit: str | None
) -> str:
    """Return why a node has its verdict, for people who plan media.

    Parameters
    ----------
    found, limits, unit
        As in `decide`.
    verdict, cause
        What `decide` returned.
    """
    said = {
        "subtotal": lambda: "A subtotal: the sum of the modelled channels below it",
        "few_weeks": lambda: _few_weeks(found, limits),
        "flat": lambda: _flat(found, limits),
        "alike": lambda: _alike(found, limits, verdict),
        "small": lambda: _small(found, limits, verdict),
        "fine": lambda: _fine(found, unit),
    }[cause]()
    is_late = found.history_weeks < min(found.n_weeks, limits.min_history_weeks)
    if is_late and cause not in ("subtotal", "few_weeks"):
        said += f". Its media began only {found.history_weeks} weeks before the end of the history"
    if found.role == "child":
        said = f"It is measured as part of {short(found.modelled_label)}. {said}"
    return f"{said}."
