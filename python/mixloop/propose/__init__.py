"""Drafts a first mapping and hierarchy from raw line items, for the client to edit."""

from mixloop.propose.draft import Draft, Settings, propose

__all__ = ["Draft", "Settings", "propose"]
