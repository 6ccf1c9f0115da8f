"""Customers: lists with search, counts and pages; changes; CSV import and export."""
