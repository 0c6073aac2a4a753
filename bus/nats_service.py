"""A service on NATS: nats.micro tells about it ($SRV) and hands over its requests; beginning and ending it are done here.

nats.micro ends a service by one round trip to the server for each of its subscriptions, and an error at one leaves the others.
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Self

from nats.aio.subscription import Subscription
from nats.errors import ConnectionReconnectingError
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, ServiceConfig
from nats.micro.service import Service as Listed

from bus import service as services
from bus import subjects
from bus.auditing.auditor import Auditor
from bus.nats_client import NatsClient
from bus.nats_errors import GONE, available
from bus.service import Endpoint, Service, TaskSet

LEAVE_SECONDS = 1.0
"""How long to wait for what the server sent before it heard that the service ends."""
FINISH_SECONDS = 5.0
"""How long requests that have come may still be worked on."""


class NatsService:
    """bus.client.Closing. Made by `NatsService.begin`."""

    def __init__(self, client: NatsClient, listed: Listed, at_once: int) -> None:
        self._client, self._running = client, TaskSet(at_once)
        self._listed: Listed | None = listed

    @classmethod
    async def begin(cls, client: NatsClient, service: Service, auditor: Auditor) -> Self:
        """`auditor` writes what the verbs change. BusUnavailable when the server does not answer. Whoever gives up meanwhile leaves nothing behind."""
        config = ServiceConfig(name=service.listed_as, version=service.version, description=service.description)
        listed = Listed(client, config)
        begun = cls(client, listed, service.at_once)
        try:
            with available():
                await _register(listed, service, begun._running, auditor)
        except BaseException:
            begun._forget()
            raise
        return begun

    async def close(self) -> None:
        """Takes no more requests; what has come is answered, within FINISH_SECONDS, whether or not the server still speaks."""
        subscriptions = self._subscriptions()
        try:
            for subscription in subscriptions:
                self._client.leave(subscription)
            with suppress(*GONE):
                await self._client.flush(timeout=LEAVE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_SECONDS):
                    await _handed_over(subscriptions)
        finally:
            self._forget()
        await self._running.finish(timeout=FINISH_SECONDS)

    def _subscriptions(self) -> list[Subscription]:
        if self._listed is None:
            return []
        of_verbs = (endpoint._subscription for endpoint in self._listed._endpoints)
        return [*self._listed._subscriptions.values(), *(found for found in of_verbs if found is not None)]

    def _forget(self) -> None:
        """With the handlers, and whatever these hold on to."""
        for subscription in self._subscriptions():
            self._client.forget(subscription)
        self._listed = None


async def _register(listed: Listed, service: Service, running: TaskSet, auditor: Auditor) -> None:
    with suppress(ConnectionReconnectingError):  # of the flush in its end; the subscriptions come back with the connection
        await listed.start()
    for endpoint in service.endpoints:
        subject = subjects.service_verb(service.name, endpoint.verb)
        described = {"description": endpoint.description} if endpoint.description else None
        handler = partial(_accept, service, endpoint, running, auditor, by_agent=False)
        await listed.add_endpoint(EndpointConfig(name=endpoint.verb, subject=subject, handler=handler, metadata=described))
        if endpoint.by_agent:
            subject = subjects.agents_verb(service.name, endpoint.verb, "*")
            handler = partial(_accept, service, endpoint, running, auditor, by_agent=True)
            name = f"{endpoint.verb}-by-agent"
            await listed.add_endpoint(EndpointConfig(name=name, subject=subject, handler=handler, metadata=described))


async def _accept(
    service: Service, endpoint: Endpoint, running: TaskSet, auditor: Auditor, request: Request, *, by_agent: bool
) -> None:
    caller = subjects.last_token(request.subject) if by_agent else None

    async def work() -> None:
        answer = await services.answer(service, endpoint, request.data, request.headers or {}, auditor, caller)
        await request.respond(answer.data, answer.headers)

    await running.start(work)


async def _handed_over(subscriptions: list[Subscription]) -> None:
    for subscription in subscriptions:
        await subscription._pending_queue.join()
