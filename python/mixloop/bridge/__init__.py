"""The variance bridge: from a published forecast to what came, cause by cause."""
