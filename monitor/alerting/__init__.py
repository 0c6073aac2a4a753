"""Alerts: conditions over what the monitor hears, and what becomes of them."""
