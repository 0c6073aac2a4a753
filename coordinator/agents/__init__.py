"""The agents: who is there, what they can do, what people ordered about them, and how hosts join."""
