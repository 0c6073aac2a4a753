"""The models of the fleet: where they are, and where they are wished."""
