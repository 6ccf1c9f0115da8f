"""The customer endpoints."""
