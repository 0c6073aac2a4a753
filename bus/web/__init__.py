"""What the doors that speak HTTP have in common against those who mean ill. Needs uvicorn, so a sidecar does not import it."""
