"""What NatsBus does in the moment in which its server dies."""

from time import monotonic
from uuid import uuid4

from bus import subjects
from bus.messages import TaskClass
from tests.parts.nats import NatsServer


async def test_a_promise_that_a_dying_connection_swallowed_is_asked_for_again(own_nats_server: NatsServer) -> None:
    bus = await own_nats_server.connect()
    own_nats_server.kill()
    own_nats_server.start()
    began = monotonic()
    stored = await bus.publish_durable(subjects.submit("default", TaskClass.HIGH, uuid4()), b"{}", message_id="one", timeout=15)
    assert stored.sequence == 1
    assert monotonic() - began < 5
    await bus.close()


async def test_closing_does_not_wait_for_a_server_that_has_just_died(own_nats_server: NatsServer) -> None:
    bus = await own_nats_server.connect()
    own_nats_server.kill()
    began = monotonic()
    await bus.close()
    assert monotonic() - began < 4
