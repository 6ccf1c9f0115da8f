"""Generated customers for demos, tests and benchmarks."""
