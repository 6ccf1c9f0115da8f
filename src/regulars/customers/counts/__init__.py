"""Stored counts of customers, and page checkpoints of long lists; both are updated as customers change."""
