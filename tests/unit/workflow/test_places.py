"""Who needs room when it is taken up."""

from uuid import UUID

import pytest

from bus.messages import Claims
from tests.unit.workflow.build import node, workflow
from workflow.core.codec import frame, from_frame
from workflow.core.driver import Driver, new_execution
from workflow.core.execution import Mode
from workflow.core.graph import plan
from workflow.running.held import Held, Origin
from workflow.running.rooms import Place, place_of


@pytest.mark.parametrize(
    ("mode", "awaited", "place"),
    [(Mode.INTEGRATED, True, Place.FREE), (Mode.INTEGRATED, False, Place.WANTED), (Mode.TRIGGER, True, Place.WANTED)],
)
def test_only_what_a_caller_waits_for_needs_no_room_also_once_it_is_read_from_the_record(
    driver: Driver, mode: Mode, awaited: bool, place: Place
) -> None:
    graph = plan(workflow(node("Start", "manualTrigger"), links=[]))
    made = new_execution(graph, driver.interpreter, "1", mode=mode, start="Start").evolve(awaited=awaited, root="7")
    read = from_frame(frame(made), [])
    assert read.root == "7"
    origin = Origin(workflow_id=None, version=1, claims=Claims(sub="ada", roles=()))
    assert place_of(Held(id=UUID(int=1), execution=read, graph=graph, origin=origin)) is place
