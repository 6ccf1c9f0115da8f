"""Directus on a copy of our tables, and how it is run."""
