"""What the watch sees as pages, and what a rule makes of them, by a clock that a test moves."""

from datetime import datetime, timedelta

from bus.messages.alerts import AlertRule, AlertScope
from monitor.alerting.replay import firings
from monitor.alerting.rules import ready
from monitor.alerting.samples import Samples
from monitor.alerting.watched import EVERY, WHOLE_EVERY, Leaf, Page, Pages, beside, course, entities
from tests.unit.monitor.alerting.scene import NOON, rule

QUEUE, MODEL, WORKFLOW = AlertScope.QUEUE, AlertScope.MODEL, AlertScope.WORKFLOW


def at(number: int) -> datetime:
    return NOON + number * EVERY


def leaves(scope: AlertScope, pages: list[Page]) -> list[Leaf]:
    """As they are read."""
    return [Leaf(page.at, page.whole, page.told.get(scope, {})) for page in pages]


def waited(*waiting: float) -> list[Page]:
    """A page for each, of the class `high`."""
    samples, pages, written = Samples(), Pages(), []
    for number, value in enumerate(waiting):
        samples.add((QUEUE, "high"), {"waiting": value}, at(number).timestamp())
        written.append(pages.next(samples, at(number)))
    return written


def tried(written: AlertRule, scope: AlertScope, entity: str, pages: list[Page]) -> list[tuple[datetime, datetime | None]]:
    (one,) = ready({"rule": written})
    points = course(entity, leaves(scope, pages), NOON, EVERY)
    found = firings(one, entity, points, every=EVERY, since=NOON, before=pages[-1].at + EVERY)
    return [(firing.fired_at, firing.resolved_at) for firing in found]


def test_a_page_has_what_changed_and_a_whole_one_everything() -> None:
    first, second, third = waited(3, 3, 4)
    assert (first.whole, first.told) == (True, {QUEUE: {"high": {"waiting": 3}}})
    assert (second.whole, second.told) == (False, {})
    assert (third.whole, third.told) == (False, {QUEUE: {"high": {"waiting": 4}}})
    hours = waited(*[1.0] * (int(WHOLE_EVERY / EVERY) + 1))
    assert [page.whole for page in hours] == [True, *[False] * (len(hours) - 2), True]


def test_what_is_gone_is_told_once_and_has_no_course_from_then_on() -> None:
    samples, pages = Samples(), Pages()
    samples.add((MODEL, "smollm2"), {"completed": 4, "failed": 0, "cancelled": 0, "retries": 0}, at(0).timestamp())
    written = [pages.next(samples, at(0))]
    samples.forget((MODEL, "smollm2"))
    written += [pages.next(samples, at(number)) for number in (1, 2)]
    assert [page.told for page in written[1:]] == [{MODEL: {"smollm2": None}}, {}]
    assert entities(leaves(MODEL, written)) == ["smollm2"]
    assert [moment for moment, _ in course("smollm2", leaves(MODEL, written), NOON, EVERY)] == [at(0)]


def test_what_agents_measure_is_not_written_twice() -> None:
    samples = Samples()
    values = {"cpu_usage": 90.0, "agent_available": True, "completed": 1}
    samples.add((AlertScope.AGENT, "acacia"), values, at(0).timestamp())
    assert Pages().next(samples, at(0)).told == {AlertScope.AGENT: {"acacia": {"completed": 1}}}


def test_rules_of_the_queue_fire_as_they_would_have() -> None:
    written = waited(0, 9, 9, 9, 0, 0, 9, 9)
    assert tried(rule("waiting > 5", scope=QUEUE), QUEUE, "high", written) == [(at(1), at(4)), (at(6), None)]
    assert tried(rule("waiting > 5", scope=QUEUE, for_seconds=30), QUEUE, "high", written) == [(at(3), at(4))]
    assert tried(rule("avg(waiting, 30) >= 9", scope=QUEUE), QUEUE, "high", written) == [(at(3), at(4))]


def test_rules_of_models_and_workflows_fire_as_they_would_have() -> None:
    for scope, entity in ((MODEL, "smollm2"), (WORKFLOW, "0b0e0e6e-0000-4000-8000-000000000000")):
        samples, pages, written = Samples(), Pages(), []
        for number, failed in enumerate((0, 0, 3, 6, 6, 6, 6)):
            samples.add((scope, entity), {"failed": failed, "completed": 10, "error_rate": failed / 10}, at(number).timestamp())
            written.append(pages.next(samples, at(number)))
        assert tried(rule("rate(failed, 30) >= 0.1", scope=scope), scope, entity, written) == [(at(2), at(5))]
        assert tried(rule("error_rate > 0.5", scope=scope), scope, entity, written) == [(at(3), None)]


def test_where_nobody_watched_nothing_is_known_and_a_duration_begins_anew() -> None:
    before, after = waited(9, 9), waited(9, 9, 9, 9)
    gap = 4 * timedelta(minutes=1)
    pages = [*before, *(Page(page.at + gap, page.whole, page.told) for page in after)]
    held = rule("waiting > 5", scope=QUEUE, for_seconds=30)
    assert tried(held, QUEUE, "high", pages) == [(after[2].at + gap, None)]


def test_a_course_begins_where_it_is_asked_for_and_has_one_point_for_each_width() -> None:
    written = leaves(QUEUE, waited(*range(12)))
    assert [values for _, values in course("high", written, at(10), EVERY)] == [{"waiting": 10}, {"waiting": 11}]
    minutes = course("high", written, NOON, timedelta(minutes=1))
    assert minutes == [(at(3), {"waiting": 3}), (at(7), {"waiting": 7}), (at(11), {"waiting": 11})]


def test_an_agents_measurements_have_its_ended_tasks_beside_them_while_those_are_young() -> None:
    measured = [(at(number), {"cpu_usage": 1.0}) for number in range(6)]
    counted = [(at(1), {"failed": 1}), (at(2) + timedelta(seconds=1), {"failed": 2})]
    found = beside(measured, counted, 2 * EVERY)
    assert [values.get("failed") for _, values in found] == [None, 1, 1, 2, 2, None]
    assert beside(measured, [], EVERY) == measured
