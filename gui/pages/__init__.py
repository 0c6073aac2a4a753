"""The pages: what stands where, and what a person asks for there."""
