"""What `hive run SERVICE` runs. No imports: a GPU host has neither the other services nor what they need."""

from typing import Final

MODULES: Final = {
    "coordinator": "coordinator.main",
    "gateway": "coordinator.gateway.main",
    "workflow": "workflow.main",
    "monitor": "monitor.main",
    "gui": "gui.main",
    "sidecar": "agent_sidecar.main",
}
