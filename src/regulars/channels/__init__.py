"""Channels: where a tenant and its customers talk."""
