"""HTTP: reading requests, sending responses and errors, and the OpenAPI document."""
