"""Tokens, encryption, the audit log and the auth version, shared by accounts and oauth."""
