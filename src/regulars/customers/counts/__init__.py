"""Exact totals and page checkpoints, kept as customers change."""
