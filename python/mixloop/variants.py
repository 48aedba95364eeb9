"""Other specifications of a model: what a reasonable colleague might have done with the baseline.

A variant is fitted beside the live run where the client asks for it, and never averaged over.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixloop.design import KNOT_SPACING_WEEKS, group_of
from mixloop.panel import Panel
from mixloop.posterior import ADDITIVE, MULTIPLICATIVE

STIFF, FREE = "the trend bends once a year", "the trend bends every quarter"
WITHOUT_CONTEXT = "without context variables"
AS_PRODUCT, AS_SUM = "the KPI as a product", "the KPI as a sum"
KNOT_SPACINGS = {STIFF: 52, FREE: 13}
FORMS = {AS_PRODUCT: MULTIPLICATIVE, AS_SUM: ADDITIVE}


def variants_of(panel: Panel, kpi_form: str) -> tuple[str, ...]:
    """Return the variants that differ from a model and can be fitted.

    Examples
    --------
    >>> weeks = np.datetime64("2024-01-01") + np.timedelta64(7, "D") * np.arange(3)
    >>> flat = np.zeros((1, 3, 1))
    >>> panel = Panel(("g",), weeks, ("tv",), ("event:x",), flat[..., 0], flat, flat, flat)
    >>> variants_of(panel, "additive")
    ('the trend bends once a year', 'the trend bends every quarter')
    """
    found = [STIFF, FREE]
    if any(group_of(name) == "context" for name in panel.drivers):
        found.append(WITHOUT_CONTEXT)
    if kpi_form == MULTIPLICATIVE:
        found.append(AS_SUM)
    elif np.nanmin(panel.outcome, initial=np.inf) > 0:
        found.append(AS_PRODUCT)
    return tuple(found)


def knot_spacing(variant: str) -> int:
    """Return every how many weeks the trend may bend under a variant; empty: the model itself."""
    return KNOT_SPACINGS.get(variant, KNOT_SPACING_WEEKS)


def varied(panel: Panel, variant: str) -> Panel:
    """Return the panel that a variant is fitted to."""
    if variant != WITHOUT_CONTEXT:
        return panel
    at = [d for d, name in enumerate(panel.drivers) if group_of(name) != "context"]
    return replace(
        panel,
        drivers=tuple(panel.drivers[d] for d in at),
        driver_values=panel.driver_values[:, :, np.array(at, dtype=int)],
    )
