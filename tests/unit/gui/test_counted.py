"""What somebody does in the dashboard counts with what the same person does at the doors, and what they look at does not."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from pydantic import BaseModel

from bus import subjects
from bus.auditing.auditor import Auditor
from bus.errors import RateLimited
from bus.limits.counting import Counting
from bus.limits.limits import Limits
from bus.limits.rates import Amounts, Limited
from bus.messages import Claims, Role, TaskRequest
from bus.messages.audit import AuditRecord
from bus.testing import InMemoryBus
from gui import asks
from gui.counted import COUNTED, Take, counted
from gui.desk import Desk
from gui.workflows.office import Office

ADA = Claims(sub="ada", roles=(Role.DEVELOPER,), address="10.0.0.9")
ONCE: Amounts = {what: {Role.DEVELOPER: 1} for what in Limited}
BUS = InMemoryBus()
"""Nobody serves there: what is let through fails for another reason."""

Act = Callable[[Desk, Office, Take], Awaitable[object]]
ACTS: list[tuple[Limited, Act]] = [
    (Limited.TASKS_CREATE, lambda desk, _office, _take: desk.submit(TaskRequest(prompt="hi"))),
    (Limited.TASKS_CREATE, lambda _desk, _office, take: asks.ask(BUS, ADA, "tasks.submit", {"prompt": "hi"}, take)),
    (Limited.WORKFLOWS_CREATE, lambda _desk, office, _take: office.create({"nodes": [], "connections": {}})),
    (Limited.EXECUTIONS_START, lambda _desk, office, _take: office.execute(uuid4(), uuid4(), None)),
    (Limited.EXECUTIONS_START, lambda _desk, office, _take: office.retry(uuid4(), None)),
]


@pytest.mark.parametrize(("what", "act"), ACTS)
async def test_who_has_done_it_at_a_door_as_often_as_they_may_is_refused_in_the_dashboard(what: Limited, act: Act) -> None:
    written: list[BaseModel] = []

    async def write(_subject: str, record: BaseModel, _message_id: str) -> None:
        written.append(record)

    limits = Limits(ONCE, Counting(None))
    take = counted(limits, Auditor(write))
    desk, office = Desk(BUS, lambda: ADA, take), Office(BUS, lambda: ADA, take)
    (await limits.take(what, ADA)).require()
    with pytest.raises(RateLimited, match=r"ada may do .* 1 times an hour, and has\. Try again in \d+ s\.") as refused:
        await act(desk, office, take)
    assert 0 < (refused.value.retry_after_seconds or 0) <= 3600
    [record] = written
    assert isinstance(record, AuditRecord)
    assert (record.action, record.sub, record.code, record.result) == ("doors.request", "ada", "rate_limited", "refused")


async def test_looking_costs_nothing_and_what_is_left_is_left() -> None:
    limits = Limits(ONCE, Counting(None))
    take = counted(limits, Auditor(_nothing))
    asked = {subjects.service_verb(verb.service, verb.verb) for verb in asks.VERBS.values()} - COUNTED.keys()
    assert subjects.service_verb(subjects.SERVICE_TASKS, "list") in asked
    for subject in (*asked, *asked):
        await take(subject, ADA)
    for what in Limited:
        (await limits.take(what, ADA)).require()
    viewer = Claims(sub="vic", roles=(Role.VIEWER,))
    for subject in COUNTED:
        await counted(Limits({what: {Role.VIEWER: 0} for what in Limited}, Counting(None)), Auditor(_nothing))(subject, viewer)


async def _nothing(*_: object) -> None:
    pytest.fail("a viewer is refused by the service, in words of its own")
