"""The streams and buckets of bus/streams.py on a real server: made by coordinators, awaited by everybody else.

Nobody else may make or change one (bus/permissions.py): whoever may can have a stream drop what was acknowledged, or copy what its readers
may not see (docs/adr/0060).
"""

import asyncio
from dataclasses import replace
from random import uniform
from typing import Final

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import PersistMode, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError
from pydantic_core import from_json

from bus import streams, subjects, telemetry
from bus.nats_bus import NatsBus
from bus.settings import HiveSettings

logger = telemetry.log(__name__)

_RETRY_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 1.0
"""Of two coordinators that ask a cluster for the same stream at once neither may be answered, though it is made: then each looks again."""
_MOST_ANSWER_SECONDS: Final = 10.0
"""Each time that there was no answer it is given twice as long: servers may be far from each other."""
_LOOK_SECONDS: Final = 1.0
_APART_SECONDS: Final = 0.5
"""At most, by chance, so that they do not ask for the next one at once too."""
_TOO_FEW_SERVERS: Final = 10005  # no suitable peers for placement
_SILENT_TRIES: Final = 3
"""After which a stream that only one server keeps counts as there, though that server is away: nobody else answers for it, and NATS does not
say so. Whoever knows of its name is asked then."""
_NAMES: Final = "$JS.API.STREAM.NAMES"
_NOT_READY: Final = (TimeoutError, ServiceUnavailableError, NoRespondersError, OSError)
"""As JetStream is for a little while after its server has come up."""


async def declare(bus: NatsBus) -> None:
    """Make every stream and bucket, or bring it up to date; safe to call by every coordinator at every start. A cluster keeps copies (docs/adr/0058).

    Waits for JetStream, which comes up a little after the server does, and for as many servers as there are copies. What one server alone
    keeps, as output and metrics in a cluster, is not waited for while that server is away: nobody needs it to give work out.
    """
    for config in (*streams.STREAMS, *streams.BUCKETS):
        seconds, tries, told = _ANSWER_SECONDS, 0, False  # it may be hours until the others are there
        while True:
            try:
                await _declare_one(bus.client.jetstream(timeout=seconds), config, clustered=bus.clustered)
                break
            except _NOT_READY as error:
                logger.info("jetstream_not_ready", error=str(error))
                seconds, tries = min(2 * seconds, _MOST_ANSWER_SECONDS), tries + 1
                if await _offline(bus, config, tries):
                    break
                await asyncio.sleep(uniform(0, _APART_SECONDS))  # noqa: S311
            except APIError as error:
                if error.err_code != _TOO_FEW_SERVERS:
                    raise
                if not told:
                    logger.warning("too_few_nats_servers", stream=config.name, copies=streams.REPLICAS, error=error.description)
                told = True
            await asyncio.sleep(_RETRY_SECONDS)


async def keep_declared(bus: NatsBus) -> None:
    """For ever: where a bus comes back without its store, the streams are made anew. Else it costs a question each time that it comes back."""
    (tasks,), seen = [config for config in streams.STREAMS if config.name == subjects.TASKS], bus.connections
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        connections = bus.connections
        if connections == seen or not bus.connected:
            continue
        try:
            if not await _there(bus, tasks):
                logger.warning(
                    "streams_lost",
                    next="They are made anew. What was acknowledged and is not in the record is in a backup, if anywhere.",
                )
                await declare(bus)
            seen = connections
        except NatsError as error:
            logger.info("jetstream_not_ready", error=str(error))


async def connected(settings: HiveSettings, name: str) -> NatsBus:
    """On the bus, with all that is kept there: waits for both for ever."""
    bus = await NatsBus.connect(settings, name)
    try:
        await declared(bus)
    except BaseException:
        await bus.close()
        raise
    return bus


async def declared(bus: NatsBus) -> None:
    """Waits for ever until a coordinator has made every stream and bucket, and says once that it waits."""
    told = False
    for config in (*streams.STREAMS, *streams.BUCKETS):
        while not await _there(bus, config):
            if not told:
                logger.warning(
                    "awaiting_a_coordinator",
                    stream=config.name,
                    reason="The bus has no such stream yet, and coordinators alone make them. If none runs: hive run coordinator",
                )
            told = True
            await asyncio.sleep(_RETRY_SECONDS)


async def _there(bus: NatsBus, config: StreamConfig) -> bool:
    js, tries = bus.client.jetstream(timeout=2 * _ANSWER_SECONDS), 0
    while True:
        try:
            await js.stream_info(str(config.name))
        except NotFoundError:
            return False
        except _NOT_READY as error:
            logger.info("jetstream_not_ready", error=str(error))
            tries += 1
            if await _offline(bus, config, tries):
                return True
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return True


async def _offline(bus: NatsBus, config: StreamConfig, tries: int) -> bool:
    """Whether it is there, and the one server of a cluster that keeps it is not."""
    if tries < _SILENT_TRIES or not bus.clustered or streams.replicated(config) != config:
        return False
    try:
        names = from_json((await bus.client.request(_NAMES, b"", timeout=_ANSWER_SECONDS)).data).get("streams")
    except _NOT_READY as error:
        logger.info("jetstream_not_ready", error=str(error))
        return False
    if config.name not in (names or ()):
        return False
    logger.warning(
        "stream_offline", stream=config.name, reason="The server of the bus that keeps it is away; the others go on without."
    )
    return True


async def _declare_one(js: JetStreamContext, config: StreamConfig, *, clustered: bool) -> None:
    """Update before add: the server reserves the room of an added stream anew before it looks whether it has it. Who comes by a leaf node does
    not see the cluster, so copies that there are are kept; and what is async stays so, as what is synced does, for nothing changes that.
    """
    try:
        held = (await js.stream_info(str(config.name))).config
        copies = held.num_replicas or 1
        may_be_copied = clustered and held.persist_mode != PersistMode.ASYNC
        wanted = streams.replicated(config, copies) if may_be_copied or copies > 1 else config
        await js.update_stream(replace(wanted, persist_mode=held.persist_mode))
    except NotFoundError:
        await js.add_stream(streams.replicated(config) if clustered else config)
