"""Rate limits on a real Valkey: gateways count together, and each for itself while it is away."""

from pathlib import Path

from limits import RateLimitItemPerHour

from bus.limits.counting import AWAY_SECONDS, Counting
from tests.parts.valkey import ValkeyServer

ITEM = RateLimitItemPerHour(3)


async def test_two_gateways_count_together_and_alone_while_it_is_away(tmp_path: Path) -> None:
    server, clock = ValkeyServer(tmp_path), [0.0]
    server.start()
    one, other = (Counting(server.url, lambda: clock[0]) for _ in range(2))
    try:
        assert (await one.take(ITEM, "anna")).remaining == 2
        assert (await other.take(ITEM, "anna")).remaining == 1
        server.kill()
        assert (await one.take(ITEM, "anna")).remaining == 1, "one knows of its own two"
        server.start()
        assert (await one.take(ITEM, "anna")).remaining == 0, "it is not asked again at once"
        clock[0] += AWAY_SECONDS
        assert (await one.take(ITEM, "anna")).remaining == 2, "it is back, and has forgotten all"
    finally:
        server.kill()
        await one.close()
        await other.close()
