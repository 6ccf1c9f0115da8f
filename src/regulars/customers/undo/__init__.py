"""Undo of imports and of bulk changes."""
