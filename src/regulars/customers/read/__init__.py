"""Queries on customers."""
