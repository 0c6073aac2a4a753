"""Where the bus of `hive up` listens."""

from pathlib import Path

from deploy.local.nats import Nats, nats_conf


def test_monitoring_and_websockets_stay_on_loopback_wherever_the_bus_listens(tmp_path: Path) -> None:
    """Both know no users, or no TLS."""
    bus = Nats(
        folder=tmp_path, port=4222, monitor_port=8222, websocket_port=9222, password="h", sys_password="h", host="0.0.0.0"
    )
    assert bus.environment()["HIVE_NATS_HOST"] == "0.0.0.0"
    assert bus.environment()["HIVE_NATS_MONITOR_ADDRESS"] == "127.0.0.1:8222"
    assert 'websocket {\n  host: "127.0.0.1"\n' in nats_conf().read_text()


def test_there_is_no_door_for_leaves_unless_one_is_asked_for(tmp_path: Path) -> None:
    bus = Nats(folder=tmp_path, port=4222, monitor_port=8222, websocket_port=9222, password="h", sys_password="h")
    assert bus.launch().command[-1] == str(nats_conf())
    assert "leafnodes" not in nats_conf().read_text()
    assert "HIVE_NATS_LEAF_ADDRESS" not in bus.environment()
