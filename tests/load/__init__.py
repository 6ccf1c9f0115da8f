"""Scripts that load a running server for minutes. They are not part of the tests.

Each takes the URL of a server, an access token and a tenant id:

    python -m tests.load.slow_clients http://127.0.0.1:8000 TOKEN 1
    python -m tests.load.noisy_neighbour http://127.0.0.1:8000 TOKEN 1 OTHER_TOKEN 2
    python -m tests.load.hostile 100000
"""
