"""Notifications: what of alerts is sent to whom, once it is a row, until it is taken."""
