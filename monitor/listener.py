"""What happens from now on: typed FastStream handlers, one for each kind of end and one for the agents.

Ends come from their stream by an ordered consumer, which goes on by itself after a gap or a restart of the server. Nothing is
acknowledged: the picture lives in memory, so the server has no progress to keep. What happens to agents is core: metrics tell
the same a few seconds later.
"""

import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

from faststream import BaseMiddleware
from faststream.middlewares import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage
from faststream.nats.security import NatsSecurity
from nats.aio.client import DEFAULT_INBOX_PREFIX
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy

from bus import subjects, telemetry
from bus.codec import decode
from bus.errors import InvalidRequest
from bus.messages import AgentEvent, HiveEvent
from bus.nats_login import login
from bus.nats_reader import IDLE_HEARTBEAT_SECONDS
from bus.settings import HiveSettings
from bus.together import within
from monitor.ends import MODELS, read, taker
from monitor.ingest import Ledger
from monitor.meters import Heard

logger = telemetry.log(__name__)

AGENT_EVENTS: Final = subjects.events("agent.*")
STOP_SECONDS: Final = 2


class RefuseInvalid(BaseMiddleware):
    """What cannot be understood is named in the log, by its subject, and holds nothing up."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool:
        if isinstance(exc_val, InvalidRequest):
            logger.warning("event_refused", subject=getattr(self.msg, "subject", None), reason=exc_val.message)
            return True
        return False


async def _agent_event(message: NatsMessage) -> AgentEvent:
    return decode(AgentEvent, message.body)


def listener(settings: HiveSettings, ledger: Ledger, after: Mapping[str, int], heard: Heard | None = None) -> NatsBroker:
    """A broker, not yet started, whose handlers tell the ledger, and of what it counts `heard`. `after` has the position of the last end that
    the ledger knows, by filter."""
    broker = _broker(settings)
    for ends in MODELS:
        _listen(broker, ends, taker(ends, ledger), heard, after.get(ends, 0))

    # An event is published with a reply subject, on which its sender waits for the stream's acknowledgement: never answer there.
    @broker.subscriber(AGENT_EVENTS, decoder=_agent_event, no_reply=True)
    async def meet_agent(event: AgentEvent) -> None:
        ledger.meet(event.data)

    return broker


def _listen(broker: NatsBroker, ends: str, count: Callable[[Any, str], bool], heard: Heard | None, after: int) -> None:
    position = after

    async def decoded(message: NatsMessage) -> HiveEvent[Any]:
        return read(ends, message.body)

    # It begins with the last known end: until nats-py has seen one message, a restart of the server makes it begin at the first.
    @broker.subscriber(
        ends,
        stream=JStream(subjects.EVENTS, declare=False),
        config=ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(after, 1)),
        ordered_consumer=True,
        idle_heartbeat=IDLE_HEARTBEAT_SECONDS,
        ack_policy=AckPolicy.MANUAL,
        decoder=decoded,
        no_reply=True,
    )
    async def count_end(event: Any, message: NatsMessage) -> None:
        nonlocal position
        sequence = message.raw_message.metadata.sequence.stream
        if sequence > position:
            counted = count(event, subjects.tenant_of_event(message.raw_message.subject))
            if counted and heard is not None:
                heard(event)
            position = sequence


def _broker(settings: HiveSettings) -> NatsBroker:
    """Tries to reconnect for ever. FastStream logs only what failed inside: NatsBus tells about connections, once and in a line."""
    failures = logging.getLogger(__name__)
    failures.setLevel(logging.ERROR)
    shown = login(settings)
    return NatsBroker(
        settings.nats_servers,
        inbox_prefix=shown.get("inbox_prefix", DEFAULT_INBOX_PREFIX),
        security=NatsSecurity(ssl_context=shown["tls"]) if "tls" in shown else None,
        name="monitor-events",
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        drain_timeout=STOP_SECONDS,
        graceful_timeout=STOP_SECONDS,
        middlewares=(RefuseInvalid,),
        logger=failures,
        log_level=logging.DEBUG,
    )


async def start(broker: NatsBroker) -> None:
    """Returns when the server has heard what is listened to: what is published from then on is met."""
    await broker.start()
    await broker.connection.flush()


async def stop(broker: NatsBroker) -> None:
    """Let running handlers end, then go; with the server away there is nobody to say goodbye to."""
    try:
        await within(STOP_SECONDS, broker.stop())
    except (NatsError, TimeoutError):
        logger.debug("stopped_while_away")
