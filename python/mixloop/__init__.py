"""Marketing mix modelling for the warehouse: pure functions between frames and draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixloop.estimator import MixRegressor

__version__ = "0.1.0"
__all__ = ["MixRegressor", "__version__"]


def __getattr__(name: str) -> object:
    """Import the estimator when it is first asked for: builds do not need scikit-learn."""
    if name == "MixRegressor":
        from mixloop.estimator import MixRegressor

        return MixRegressor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
