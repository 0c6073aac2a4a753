"""How far open pages are behind the bus, and what they cost: `python -m tests.bench.live_pages [HOSTS] [HERTZ] [PAGES] [SECONDS]` (50, 10, 20, 30).

Each host tells ten values so many times a second. One of the pages is the overview in Chromium, the others take what they are sent and draw
nothing. The lag of a message runs from its sending until a picture is on the screen that shows its value or a newer one.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, time

import httpx
import uvloop

from bus import subjects
from bus.messages import NetworkCounters, PerformanceMetrics
from tests.bench.dashboard_hive import DashboardHive, chromium, dashboard_hive
from tests.bench.load import cpu_seconds
from tests.bench.pages import task_seconds
from tests.parts.open_page import OpenPage

WATCHED = "host-0000"
SETTLE_SECONDS = 5.0
TURN = 90
"""Temperatures until they repeat: longer than any lag."""
QUIET = "3600"

# Each temperature of the watched host, with the time of the first picture that had it.
_WATCH = """() => {
    window.shownAt = [];
    const card = document.querySelector("#agent-host-0000");
    let last = null;
    new MutationObserver(() => {
        const found = /(\\d+) °C/.exec(card.textContent)?.[1];
        if (found === last) return;
        last = found;
        requestAnimationFrame(() => setTimeout(() => window.shownAt.push([Number(found), Date.now()])));
    }).observe(card, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def metrics(host: int, turn: int) -> PerformanceMetrics:
    """Ten values, all of which change."""
    value = float((turn + host) % TURN)
    return PerformanceMetrics(
        agent_id=f"host-{host:04}",
        timestamp=datetime.now(UTC),
        cpu_usage=value,
        memory_usage=value,
        disk_usage=value,
        gpu_usage=value,
        gpu_memory=value,
        gpu_temperature=value,
        tokens_per_second=value,
        response_time=value,
        network_io=NetworkCounters(bytes_sent_per_second=value, bytes_received_per_second=value),
    )


async def tell(hive: DashboardHive, hosts: int, hertz: float, sent: list[tuple[int, float]]) -> None:
    """`sent` takes the watched host's temperatures with the milliseconds at which they went out."""
    began = monotonic()
    for turn in count():
        for host in range(hosts):
            if host == 0:
                sent.append((turn % TURN, time() * 1e3))
            await hive.bus.publish(subjects.metrics(f"host-{host:04}"), metrics(host, turn))
        await asyncio.sleep(max(0.0, began + (turn + 1) / hertz - monotonic()))


def lags(sent: Sequence[tuple[int, float]], shown: Sequence[tuple[int, float]]) -> list[float]:
    """Milliseconds, of each message that was sent before the last picture."""
    found, waiting = list[float](), list(sent)
    for value, at in shown:
        newest = max((place for place, (told, sent_at) in enumerate(waiting) if told == value and sent_at <= at), default=None)
        if newest is not None:
            found.extend(at - sent_at for _, sent_at in waiting[: newest + 1])
            del waiting[: newest + 1]
    return found


async def measure(folder: Path, hosts: int, hertz: float, pages: int, seconds: float) -> None:
    async with dashboard_hive(folder) as hive, chromium() as browser, AsyncExitStack() as stack:
        await hive.hosts(hosts, HIVE_BENCH_METRICS_SECONDS=QUIET)
        context = await hive.log_in(browser)
        page = await context.new_page()
        await page.goto(hive.url)
        await page.wait_for_selector(f"#agent-{WATCHED}")
        cookies = {each["name"]: each["value"] for each in await context.cookies()}
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=hive.url, cookies=cookies, timeout=30))
        others = [await stack.enter_async_context(OpenPage(http, "/")) for _ in range(pages - 1)]
        sent = list[tuple[int, float]]()
        telling = asyncio.create_task(tell(hive, hosts, hertz, sent))
        await asyncio.sleep(SETTLE_SECONDS)
        sent.clear()
        await page.evaluate(_WATCH)
        lens = await context.new_cdp_session(page)
        await lens.send("Performance.enable", {"timeDomain": "threadTicks"})
        drawing = await task_seconds(lens)
        frames, before, began = sum(other.frames for other in others), cpu_seconds({"gui": hive.gui})["gui"], monotonic()
        await asyncio.sleep(seconds)
        wall = monotonic() - began
        used = (cpu_seconds({"gui": hive.gui})["gui"] - before) / wall * 100
        frames = sum(other.frames for other in others) - frames
        drawing = (await task_seconds(lens) - drawing) / wall * 100
        found = sorted(lags(sent, await page.evaluate("window.shownAt")))
        telling.cancel()
        deciles = statistics.quantiles(found, n=20)
        print(
            f"{hosts} hosts at {hertz:g} Hz ({len(sent) * hosts / wall:.0f} messages/s), {pages} pages: dashboard {used:.1f} % of a core, "
            f"{hive.gui.memory_info().rss / 1e6:.0f} MB, the page in Chromium {drawing:.0f} %, {frames / wall / max(1, len(others)):.1f} frames/s a page; "
            f"behind the bus p50 {deciles[9]:.0f} ms, p95 {deciles[18]:.0f} ms, most {found[-1]:.0f} ms, of {len(found)}; "
            f"load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )


def main() -> None:
    hosts, hertz, pages, seconds = [float(word) for word in sys.argv[1:]] + [50, 10, 20, 30][len(sys.argv) - 1 :]
    with TemporaryDirectory(prefix="hive-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(measure(Path(folder), int(hosts), hertz, int(pages), seconds))


if __name__ == "__main__":
    main()
