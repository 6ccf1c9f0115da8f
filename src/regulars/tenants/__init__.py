"""Tenants: whose customers they are."""
