"""Anthropic's protocol. Everything here is pure; the routes are in coordinator/gateway/routes/anthropic.py."""
