"""Customers: the list, its search, counting and paging, and how customers get in and out."""
