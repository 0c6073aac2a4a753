"""The dashboard: one subscription to the bus, folded into a state, shown on every open page."""
