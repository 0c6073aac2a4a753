"""Looks for secrets in what git has, or is about to have: `make secrets`."""
