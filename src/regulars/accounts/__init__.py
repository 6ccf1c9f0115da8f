"""Accounts: the users who sign in, and the tenants that they are members of."""
