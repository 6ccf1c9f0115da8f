"""Directus on a copy of the tables of Regulars."""
