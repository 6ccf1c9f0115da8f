"""The list of customers written with Django's ORM and Django Ninja, and how it is run."""
