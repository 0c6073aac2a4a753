"""Upgrades (docs/adr/0069): what runs, what would run, what stands in the way, and following one while it goes on."""
