"""What the declared streams promise together: bounds for all, and nothing dropped of what was acknowledged."""

import re
from pathlib import Path

from nats.js.api import DiscardPolicy, PersistMode, StreamConfig

from bus import subjects
from bus.streams import BUCKETS, GIB, HOUR, MAX_STORE_BYTES, REPLICAS, STREAMS, replicated

NATS_CONF = (Path(__file__).parents[3] / "nats.conf").read_text()


def stream(name: str) -> StreamConfig:
    return next(config for config in STREAMS if config.name == name)


def test_every_stream_is_bounded_and_no_stream_can_starve_another() -> None:
    bounds = [config.max_bytes or 0 for config in (*STREAMS, *BUCKETS)]
    assert min(bounds) > 0
    assert sum(bounds) < MAX_STORE_BYTES
    assert f"max_file_store: {MAX_STORE_BYTES // GIB}GB" in NATS_CONF


def test_submits_and_reports_are_on_disk_and_refused_rather_than_dropped() -> None:
    for config in (stream(subjects.TASKS), stream(subjects.OUTCOMES), stream(subjects.AUDIT)):
        assert (config.discard, config.max_age, config.persist_mode) == (DiscardPolicy.NEW, 0, None)
    assert re.search(r"^\s*sync_interval: always$", NATS_CONF, re.MULTILINE)


def test_ends_are_on_disk_and_steps_on_the_way_expire_within_hours() -> None:
    """Each subject costs the server memory: 300,000 of them 75 MB."""
    ends, steps = stream(subjects.EVENTS), stream(subjects.PROGRESS)
    assert ends.persist_mode is None
    assert steps.persist_mode is PersistMode.ASYNC
    assert 0 < (steps.max_age or 0) <= 6 * HOUR < (ends.max_age or 0)


def test_more_copies_than_hive_asks_for_are_kept() -> None:
    assert replicated(stream(subjects.TASKS), 5).num_replicas == 5
    assert replicated(stream(subjects.TASKS), 1).num_replicas == REPLICAS
