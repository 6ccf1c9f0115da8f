"""The endpoints of people: their own account, and the users of a tenant."""
