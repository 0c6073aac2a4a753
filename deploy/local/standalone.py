"""`hive run nats`: the same server, configuration file and store as `hive up` has, without a supervisor."""

from deploy.local.data_folder import DataFolder
from deploy.local.launch import Launch
from deploy.local.nats import Nats
from deploy.settings import DeploySettings


def nats_launch() -> Launch:
    """On NATS's usual ports where none are named."""
    settings = DeploySettings()
    folder = DataFolder(settings.data_dir).create()
    secrets = folder.secrets()
    nats = Nats(
        folder=folder.path / "nats",
        host=settings.nats_host,
        port=settings.nats_port,
        monitor_port=settings.nats_monitor_port or 8222,
        websocket_port=settings.nats_websocket_port or 9222,
        password=secrets.nats_password,
        sys_password=secrets.nats_sys_password,
        leaf_port=settings.nats_leaf_port or 0,
    )
    nats.prepare()
    return nats.launch()
