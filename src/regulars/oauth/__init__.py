"""The authorization server: signing keys and access tokens so far."""
