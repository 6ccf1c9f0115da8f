"""Import of customers from files."""
