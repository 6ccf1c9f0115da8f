"""Tokens, encryption, the audit log and the authorization version, shared by accounts and oauth."""
