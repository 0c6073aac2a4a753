"""Which services and stores are away, and what is said of them."""

from bus.messages.readings import ServiceVitals, StoreReadings
from gui.frames import Level
from gui.services import POSTGRES, REDIS
from gui.sight import Sight
from gui.state import HiveState
from gui.tasks import milliseconds
from tests.unit.gui.samples import NOON, after

WELL = StoreReadings(database_connections={"idle": 3}, redis_memory_bytes=1000)
DAY = 86_400


def vitals(service: str, instance: str = "i1") -> ServiceVitals:
    return ServiceVitals(service=service, instance=instance, memory_bytes=1)


def codes(state: HiveState) -> list[str]:
    return [problem.code for problem in state.frame(since=0, sight=Sight(), now=NOON).problems]


def test_a_service_that_was_heard_and_is_silent_is_away_until_it_speaks() -> None:
    state = HiveState()
    state.services.apply_vitals(vitals("gateway"), NOON)
    state.tick(after(14))
    assert codes(state) == []
    state.tick(after(16))
    [problem] = state.frame(since=0, sight=Sight(), now=NOON).problems
    assert (problem.code, problem.level, problem.silent_ms) == ("gateway_silent", Level.ERROR, milliseconds(NOON))
    seen = state.revision.number
    state.tick(after(17))
    assert state.revision.number == seen, "a silence that goes on changes nothing"
    state.services.apply_vitals(vitals("gateway", "i2"), after(18))
    state.tick(after(19))
    assert codes(state) == []


def test_one_that_is_silent_for_a_day_was_taken_away() -> None:
    state = HiveState()
    state.services.apply_vitals(vitals("monitor"), NOON)
    state.tick(after(DAY - 1))
    assert codes(state) == ["monitor_silent"]
    state.tick(after(DAY + 1))
    assert codes(state) == []


def test_a_bus_that_was_away_says_nothing_about_the_services() -> None:
    state = HiveState()
    state.services.apply_vitals(vitals("workflow"), NOON)
    state.apply_bus(False, after(1))
    state.tick(after(60))
    state.apply_bus(True, after(61))
    state.tick(after(62))
    assert codes(state) == []


def test_a_store_is_away_once_it_was_there() -> None:
    state = HiveState()
    state.services.apply_stores(WELL.model_copy(update={"redis_memory_bytes": None}), NOON)
    assert codes(state) == [], "this hive has no Redis"
    state.services.apply_stores(WELL, after(1))
    state.services.apply_stores(StoreReadings(), after(2))
    state.tick(after(3))
    assert codes(state) == ["database_unavailable", "redis_silent"]
    assert state.services.away == {POSTGRES: after(1), REDIS: after(1)}
    state.services.apply_stores(WELL, after(4))
    assert codes(state) == []
