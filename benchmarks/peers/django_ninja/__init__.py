"""The customer list written with Django's ORM and Django Ninja."""
