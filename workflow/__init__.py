"""The room of the workflow engine, which has an issue of its own; the bus already has its events."""
