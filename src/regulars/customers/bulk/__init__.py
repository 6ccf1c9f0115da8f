"""Changes of many customers at once."""
