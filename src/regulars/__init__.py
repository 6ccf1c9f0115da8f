"""Regulars: a self-hosted, multi-tenant customer directory."""

__version__ = "0.1.0"
