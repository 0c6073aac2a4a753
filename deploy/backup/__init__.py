"""`hive backup` and `hive restore`: one file with what a hive has promised (docs/adr/0057)."""
