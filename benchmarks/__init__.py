"""How quick the service is, beside what limits it and beside a peer: `make bench`."""
