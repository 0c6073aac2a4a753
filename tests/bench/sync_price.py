"""What an acknowledgement that means "on disk" costs: nats.conf as it is, beside the server's own default. `python -m tests.bench.sync_price`

nats-server acknowledges before it syncs, and syncs every two minutes, unless it is told `sync_interval: always`.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import nats
import uvloop
from nats.js import JetStreamContext
from nats.js.api import PersistMode, StreamConfig

from deploy.local.nats import nats_conf
from tests.bench.load import Figures, OneTask, measure
from tests.parts.nats import NatsServer

MESSAGES = 3000
BODY = b"x" * 400
SYNC_LINE = "  sync_interval: always\n"


def publish(js: JetStreamContext, subject: str) -> OneTask:
    async def one(_number: int) -> None:
        await js.publish(subject, BODY)

    return one


async def figures(server: NatsServer) -> dict[str, Figures]:
    client = await nats.connect(server.url)
    js = client.jetstream()
    await js.add_stream(StreamConfig(name="PRICE", subjects=["price.synced"], max_bytes=1 << 28))
    await js.add_stream(
        StreamConfig(name="PRICE_ASYNC", subjects=["price.async"], max_bytes=1 << 28, persist_mode=PersistMode.ASYNC)
    )
    found = {}
    for kind in ("synced", "async"):
        for in_flight in (1, 256):
            await measure(publish(js, f"price.{kind}"), tasks=200, in_flight=in_flight, processes={})
            measured = await measure(publish(js, f"price.{kind}"), tasks=MESSAGES, in_flight=in_flight, processes={})
            found[f"{kind}, {in_flight} in flight"] = measured
    await client.close()
    return found


async def compare(folder: Path) -> None:
    asks = NatsServer(folder / "always")
    asks.start()
    always = await figures(asks)
    asks.kill()
    relaxed = folder / "relaxed.conf"
    shutil.copy(nats_conf(), relaxed)
    text = relaxed.read_text()
    if SYNC_LINE not in text:
        raise SystemExit(f"nats.conf has no line {SYNC_LINE.strip()!r} to leave out")
    relaxed.write_text(text.replace(SYNC_LINE, ""))
    default = NatsServer(folder / "default", relaxed)
    default.start()
    lazy = await figures(default)
    default.kill()
    for name, figure in always.items():
        ratio = figure.tasks_per_second / lazy[name].tasks_per_second
        print(f"{name:<22} always {figure.tasks_per_second:7.0f}/s p50 {figure.p50:5.2f} ms   ", end="")
        print(f"default {lazy[name].tasks_per_second:7.0f}/s p50 {lazy[name].p50:5.2f} ms   {ratio:4.2f} x messages/s")


def main() -> None:
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        uvloop.run(compare(Path(folder)))


if __name__ == "__main__":
    main()
