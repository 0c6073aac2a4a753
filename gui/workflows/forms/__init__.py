"""The fields of the parameters that a form offers, by type, as n8n's documentation names them.

The engine reads parameters and asks for none, so that it has no list of them: this is the dashboard's own. Tools of MCP servers say theirs.
"""
