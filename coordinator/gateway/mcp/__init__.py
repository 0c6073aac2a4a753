"""The door for assistants: Hive as a server of the Model Context Protocol (docs/adr/0033).

The protocol's own work (sessions, streams, versions) is the official package's. What is here says which tools there are, and asks
the bus by the same functions as the REST routes.
"""

from typing import Final

PATH: Final = "/mcp"
