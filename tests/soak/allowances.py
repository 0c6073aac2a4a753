"""What each gauge of the soak test may grow by, and why. First come, first served."""

from typing import Final

from bus.streams import BUCKETS, STREAMS
from deploy.local.log_file import KEPT_LOGS, MAX_LOG_BYTES
from tests.soak.judge import MIB, Allowance

_LIMITS: Final = {str(config.name): float(config.max_bytes or 0) for config in (*STREAMS, *BUCKETS)}

ALLOWANCES: Final = (
    # It keeps the newest block of each of six streams in memory, which takes eight megabytes and minutes to fill, and drops it then.
    Allowance(pattern="nats.memory", each=512, noise=48 * MIB),
    # A page that was asked for and never connected, as by a probe, is held for a minute: 0.1 MB each.
    Allowance(pattern="gui.memory", each=512, noise=16 * MIB),
    # A task costs nobody anything once it is forgotten, so nothing may grow by the task. A task's bare record in a dict takes 0.7 KB; of
    # that a fifth, and twice what the allocator moves by itself, from one third to the next.
    *(Allowance(pattern=f"{name}.memory", each=128, noise=2 * MIB) for name in ("coordinator", "gateway", "monitor")),
    # Beside these: a sidecar fills its list of the last answers, PostgreSQL's backends their caches.
    Allowance(pattern="*.memory", each=512, noise=4 * MIB),
    # Connections come and go with who is at work in this moment; one that stays behind every hundred tasks is more than this.
    # A backend of PostgreSQL keeps open the tables and indexes that it has touched.
    Allowance(pattern="postgres.files", each=0.002, noise=32),
    Allowance(pattern="*.files", each=0.002, noise=12),
    Allowance(pattern="*.sockets", each=0.002, noise=12),
    Allowance(pattern="*.threads", noise=3),
    Allowance(pattern="nats.connections", noise=3),
    Allowance(pattern="nats.subscriptions", each=0.002, noise=24),
    Allowance(pattern="nats.cache", each=0.05, noise=400),
    Allowance(pattern="stream.*.consumers", noise=6),
    # Kept for seconds here, so a level follows the rate of tasks, which other work on the machine may change by a half.
    *(Allowance(pattern=f"stream.{name}.bytes", each=0, noise=8 * MIB, most=limit) for name, limit in _LIMITS.items()),
    Allowance(pattern="stream.*.messages", noise=6000),
    Allowance(pattern="stream.*.subjects", noise=6000),
    Allowance(pattern="rows.*", noise=2500),
    # One row, written anew some 300 times a second. Whoever looks from one moment, as autovacuum's ANALYZE of tasks does for 0.2 s, keeps
    # its dead versions meanwhile: four pages more for 0.2 s, 20 for one second (tried), which stay. Never cleaned up, they would be megabytes.
    Allowance(pattern="table.leadership", noise=MIB / 4, most=MIB / 4),
    Allowance(pattern="table.*", each=100, noise=6 * MIB),
    # PostgreSQL recycles its log within max_wal_size.
    Allowance(pattern="disk.wal", each=float("inf"), most=640 * MIB),
    Allowance(pattern="disk.nats", each=200, noise=24 * MIB),
    Allowance(pattern="disk.sessions", noise=2),
    Allowance(pattern="disk.logs", each=300, noise=MIB, most=12 * (KEPT_LOGS + 1) * MAX_LOG_BYTES),
    Allowance(pattern="redis.keys", noise=2),
)

RESTARTS: Final = (
    # By the restart of both servers, of which there are few: a handle that stays behind each time is found, a kilobyte is not.
    Allowance(pattern="*.memory", each=40_000, noise=2 * MIB),
    Allowance(pattern="*.threads", noise=2),
    Allowance(pattern="*.files", each=0.2, noise=3),
    Allowance(pattern="*.sockets", each=0.2, noise=3),
    Allowance(pattern="*", each=float("inf")),
)
