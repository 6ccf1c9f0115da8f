"""Countries, as ISO 3166-1 lists them."""
