"""The only place that declares streams and key-value buckets, with their limits and why.

`MAX_STORE_BYTES` is what nats.conf gives JetStream; the limits here stay below it together, so that no stream starves another.
"""

from dataclasses import replace
from typing import Final

from nats.js.api import DiscardPolicy, PersistMode, RetentionPolicy, StorageType, StreamConfig

from bus import subjects
from bus.messages import EventType, TaskClass

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
MAX_STORE_BYTES: Final = 8 * GIB

REPLICAS: Final = 3
"""Of a stream in a cluster: one server may be away."""

DEDUP_SECONDS: Final = 120.0
"""How long the server knows a `Nats-Msg-Id`. PostgreSQL goes on where it ends."""


def _events(*, terminal: bool) -> list[str]:
    return [subjects.events(event_type) for event_type in EventType if event_type.terminal is terminal]


def _stream(
    name: str, listens: list[str], *, max_bytes: int, synced: bool, max_age: float = 0, discard: DiscardPolicy
) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=listens,
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_bytes=max_bytes,
        max_age=max_age,
        discard=discard,
        duplicate_window=DEDUP_SECONDS if not max_age else min(DEDUP_SECONDS, max_age),
        persist_mode=None if synced else PersistMode.ASYNC,
        allow_direct=True,
    )


STREAMS: Final = (
    # The durable front door: three classes and nothing else, so that the server itself refuses a foreign subject. Full means "refused", never "the oldest promise dropped"; the leader purges behind its position.
    _stream(
        subjects.TASKS,
        [subjects.submits_of(task_class) for task_class in TaskClass],
        max_bytes=2 * GIB,
        synced=True,
        discard=DiscardPolicy.NEW,
    ),
    # Reports that must become facts. A sidecar keeps what is refused and reports again.
    _stream(subjects.OUTCOMES, [subjects.ALL_OUTCOMES], max_bytes=GIB, synced=True, discard=DiscardPolicy.NEW),
    # Deltas for late watchers. Minutes are enough: the record has the whole text.
    _stream(subjects.OUTPUT, [subjects.ALL_OUTPUT], max_bytes=GIB, synced=False, max_age=600, discard=DiscardPolicy.OLD),
    # Ends that somebody waits for. Half a million of them, which cost the server some 300 MB of memory.
    _stream(
        subjects.EVENTS, _events(terminal=True), max_bytes=256 * MIB, synced=True, max_age=3 * DAY, discard=DiscardPolicy.OLD
    ),
    # Steps on the way. Each subject costs the server memory (300,000 of them 75 MB), so they go within hours.
    _stream(
        subjects.PROGRESS,
        _events(terminal=False),
        max_bytes=512 * MIB,
        synced=False,
        max_age=2 * HOUR,
        discard=DiscardPolicy.OLD,
    ),
    # Who changed what. A change waits for its record, so full means "refused"; the monitor purges behind what PostgreSQL has.
    _stream(subjects.AUDIT, [subjects.ALL_AUDIT], max_bytes=256 * MIB, synced=True, discard=DiscardPolicy.NEW),
    # The monitor has read them long before.
    _stream(
        subjects.METRICS, [subjects.ALL_METRICS], max_bytes=256 * MIB, synced=False, max_age=HOUR, discard=DiscardPolicy.OLD
    ),
)


def _bucket(
    name: str, *, max_bytes: int, synced: bool, max_age: float = 0, discard: DiscardPolicy = DiscardPolicy.NEW
) -> StreamConfig:
    """A key-value bucket is a stream of a fixed form (ADR-8 of NATS); declared as one, since only so it can be async."""
    return StreamConfig(
        name=f"KV_{name}",
        subjects=[f"$KV.{name}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_bytes=max_bytes,
        max_msgs_per_subject=1,
        max_age=max_age,
        discard=discard,
        duplicate_window=DEDUP_SECONDS,
        persist_mode=None if synced else PersistMode.ASYNC,
        allow_rollup_hdrs=True,
        allow_direct=True,
        deny_delete=True,
    )


BUCKETS: Final = (
    # The last word of the leader about every agent: `nats kv get hive_agents acacia`. Written often, rebuilt by the next leader.
    _bucket(subjects.KV_AGENTS, max_bytes=64 * MIB, synced=False),
    # Every model that was ever seen, for the doors to refuse a name that nobody knows. PostgreSQL has it too.
    _bucket(subjects.KV_MODELS, max_bytes=16 * MIB, synced=False),
    # Other names for models, and their stand-ins, for the doors of clients; this is their only home.
    _bucket(subjects.KV_ALIASES, max_bytes=4 * MIB, synced=True),
    # Hashes of the API keys that hold, so that doors need neither PostgreSQL nor the coordinator to know who asks.
    _bucket(subjects.KV_KEYS, max_bytes=16 * MIB, synced=True),
    # How each user stands, and the public keys that tokens are signed with, for the same reason. PostgreSQL has both too.
    _bucket(subjects.KV_USERS, max_bytes=16 * MIB, synced=True),
    _bucket(subjects.KV_SIGNING_KEYS, max_bytes=MIB, synced=True),
    # Backends that the local sidecar speaks for; this is their only home.
    _bucket(subjects.KV_UPSTREAMS, max_bytes=16 * MIB, synced=True),
    # What sidecars do with models, step by step, for whoever asked and has gone meanwhile. Told for a day after the end.
    _bucket(subjects.KV_JOBS, max_bytes=32 * MIB, synced=False, max_age=DAY, discard=DiscardPolicy.OLD),
    # Where models are wished, for the sidecars, and how far that has come. PostgreSQL has the wish too.
    _bucket(subjects.KV_PLACEMENT, max_bytes=16 * MIB, synced=False),
    # The hive in numbers, as the leader last said it: every replica of a door tells it without asking anyone.
    _bucket(subjects.KV_STATUS, max_bytes=MIB, synced=False),
    # Plans of dev tasks, with files and diffs, until they are run; whoever lost one plans again. The oldest make room.
    _bucket(subjects.KV_DEV_PLANS, max_bytes=64 * MIB, synced=False, max_age=DAY, discard=DiscardPolicy.OLD),
    # Each quota and what of it is used, as the monitor last counted: a door asks nobody. PostgreSQL has both too.
    _bucket(subjects.KV_QUOTAS, max_bytes=16 * MIB, synced=False),
    # Hosts that have joined, by their keys: any coordinator lets them in by it, also while PostgreSQL is away, which has them too.
    _bucket(subjects.KV_HOSTS, max_bytes=4 * MIB, synced=True),
)


def replicated(config: StreamConfig, copies: int = REPLICAS) -> StreamConfig:
    """As a cluster of servers keeps it, in so many `copies` where somebody has asked for more. What is async cannot be copied: output and metrics
    stay on one server, where a loss costs a late watcher or a point of a curve; all else gives that up. A copy that answers directly may be
    behind, so only their leader does.
    """
    if config.name in (subjects.OUTPUT, subjects.METRICS):
        return config
    return replace(config, num_replicas=max(REPLICAS, copies), persist_mode=None, allow_direct=False)


def bucket_name(config: StreamConfig) -> str:
    return str(config.name).removeprefix("KV_")
