"""What fires, as the pages are told of it."""

from uuid import uuid4

from bus.messages import AgentStatus
from bus.messages.alerts import Alert, AlertScope, AlertState, Severity
from gui.frames import Level
from gui.sight import Sight
from gui.state import HiveState
from tests.unit.gui.samples import NOON, after, agent


def alert(rule: str = "hot", entity: str = "acacia", **more: object) -> Alert:
    told = {"severity": Severity.CRITICAL, "state": AlertState.FIRING, "scope": AlertScope.AGENT, **more}
    return Alert(id=uuid4(), rule=rule, entity=entity, condition="gpu_temperature > 85", fired_at=NOON, changed_at=NOON, **told)  # type: ignore[arg-type]


def problems(state: HiveState) -> list[tuple[Level, str, str]]:
    frame = state.frame(since=0, sight=Sight(), now=after(1))
    return [(each.level, each.title, each.text) for each in frame.problems if each.alerts]


def test_what_fires_is_one_problem_a_rule_with_the_first_names() -> None:
    state = HiveState()
    for name in ("acacia", "birch", "cedar", "elm", "fir"):
        state.alerts.apply(alert(entity=name, summary="A card is too hot"))
    state.alerts.apply(alert("slow", "birch", severity=Severity.WARNING))
    state.alerts.apply(alert("quiet", "birch", severity=Severity.INFO))
    assert problems(state) == [
        (Level.ERROR, "hot fires", "acacia, birch, cedar and 2 more: A card is too hot"),
        (Level.WARNING, "slow fires", "birch"),
    ]


def test_what_is_acknowledged_silenced_or_over_is_no_problem_and_an_older_word_does_not_bring_it_back() -> None:
    state, fired = HiveState(), alert()
    state.alerts.apply(fired)
    seen = state.revision.number
    state.alerts.apply(fired.model_copy(update={"state": AlertState.ACKNOWLEDGED, "rank": 2}))
    assert problems(state) == []
    assert state.revision.number > seen, "open pages hear of it"
    state.alerts.apply(fired.model_copy(update={"state": AlertState.RESOLVED, "rank": 3}))
    state.alerts.apply(fired)
    assert problems(state) == []
    assert state.alerts.active == ()


def test_the_monitor_s_list_mends_what_was_missed() -> None:
    state, gone, stays, came = HiveState(), alert("gone"), alert("stays"), alert("came")
    state.alerts.apply(gone)
    state.alerts.apply(stays)
    asked = state.alerts.active
    state.alerts.apply(came)
    state.alerts.apply_listed([stays], asked)
    assert {each.rule for each in state.alerts.active} == {"stays", "came"}, "what fired after the question is not over"
    before = state.revision.number
    state.alerts.apply_listed([stays, came], state.alerts.active)
    assert state.revision.number == before, "nothing new sends nothing"


def test_that_an_agent_is_down_is_said_once() -> None:
    state = HiveState()
    state.agents.apply_record("acacia", agent("acacia", AgentStatus.OFFLINE))
    state.alerts.apply(alert("agent_down"))
    assert problems(state) == []
