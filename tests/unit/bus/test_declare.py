"""Streams of a cluster that has not come together yet."""

from types import SimpleNamespace
from typing import Any, cast

from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError
from structlog.testing import capture_logs

from bus import streams
from bus.nats_bus import NatsBus
from bus.nats_streams import declare


class Gathering:
    """JetStream of a cluster that lacks servers for so many tries."""

    def __init__(self, lacks: int) -> None:
        self._lacks, self.made = lacks, list[StreamConfig]()

    async def stream_info(self, name: str) -> None:
        raise NotFoundError(code=404, err_code=10059, description="stream not found")

    async def add_stream(self, config: StreamConfig) -> None:
        self._lacks -= 1
        if self._lacks >= 0:
            raise APIError(code=400, err_code=10005, description="no suitable peers for placement")
        self.made.append(config)


async def test_it_waits_for_the_other_servers_and_says_so_once() -> None:
    cluster = Gathering(lacks=5)
    bus = SimpleNamespace(client=SimpleNamespace(jetstream=lambda timeout: cluster), clustered=True)
    with capture_logs() as told:
        await declare(cast("NatsBus", bus))
    assert len(cluster.made) == len((*streams.STREAMS, *streams.BUCKETS))
    said: list[Any] = [line["event"] for line in told]
    assert said == ["too_few_nats_servers"]
