"""The pure core: what an execution is, and what becomes of it with each event. Time, effects and scripts come from outside."""
