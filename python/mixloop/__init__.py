"""Marketing mix modelling for the warehouse: pure functions between frames and draws."""

__version__ = "0.1.0"
