"""The bridge: MCP servers that are registered, kept connected, and called by workflows (docs/adr/0041)."""
