"""What webhook calls hold together."""

import pytest

from bus.errors import TooManyExecutions
from coordinator.gateway.webhook_bodies import WebhookBodies


def test_calls_together_hold_no_more_than_they_may_and_an_answer_makes_room() -> None:
    bodies = WebhookBodies(1000)
    with bodies.hold() as first:
        first.add(900)
        with bodies.hold() as second:
            second.add(100)
            with pytest.raises(TooManyExecutions) as refused:
                second.add(1)
        assert refused.value.retry_after_seconds
        assert bodies.held == 900
    assert bodies.held == 0
    with bodies.hold() as third:
        third.add(1000)


def test_one_alone_may_be_larger_than_all_together() -> None:
    with WebhookBodies(1000).hold() as only:
        only.add(600)
        only.add(600)
