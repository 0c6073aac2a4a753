"""Tasks that come due by themselves."""
