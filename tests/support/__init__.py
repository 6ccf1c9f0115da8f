"""Helpers that the tests share: servers, databases, clients and test data."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Root folder of the repository."""
