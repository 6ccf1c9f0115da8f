"""The customer list as PocketBase gives it, with its own data file filled from ours."""
