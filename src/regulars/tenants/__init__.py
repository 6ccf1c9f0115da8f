"""Tenants: the businesses that own the customers, with their settings and channels."""
