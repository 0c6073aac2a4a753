"""The backends that a sidecar can speak to, behind one protocol (backend.py)."""
