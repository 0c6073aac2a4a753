"""Credentials: sealed, listed without what they hold, opened for one effect, refreshed at their providers."""
