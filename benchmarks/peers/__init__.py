"""Services that give the same answers, built in other ways."""
