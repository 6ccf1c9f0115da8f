"""Export of customers to files."""
