"""Benchmark of the service against its upper limits and against other frameworks and products: `make bench`."""
