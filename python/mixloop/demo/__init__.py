"""The demo client: three years of an invented brand with known truth, always the same."""

from mixloop.demo.client import DemoClient, generate
from mixloop.demo.folder import write_client_folder, write_truth
from mixloop.demo.world import DEFAULT_SEED, FULL, SMALL, Size

__all__ = [
    "DEFAULT_SEED",
    "FULL",
    "SMALL",
    "DemoClient",
    "Size",
    "generate",
    "write_client_folder",
    "write_truth",
]
