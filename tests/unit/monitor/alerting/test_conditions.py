"""What a condition may say, what it says of what was measured, and what is refused."""

import pytest

from bus.errors import InvalidRequest
from bus.messages.alerts import LONGEST_WINDOW_SECONDS, AlertScope
from monitor.alerting.conditions import parse
from monitor.alerting.samples import FRESH_SECONDS, Samples

ACACIA = (AlertScope.AGENT, "acacia")


def measured(*series: dict[str, float], every: float = 10) -> tuple[Samples, float]:
    samples, at = Samples(), 1000.0
    samples.keep(dict.fromkeys(("cpu_usage", "response_time", "completed", "active_tasks"), 600.0))
    for values in series:
        at += every
        samples.add(ACACIA, values, at)
    return samples, at


@pytest.mark.parametrize(
    ("condition", "series", "holds"),
    [
        ("cpu_usage > 85", [{"cpu_usage": 86}], True),
        ("cpu_usage > 85", [{"cpu_usage": 86}, {"cpu_usage": 85}], False),
        ("agent_available == false", [{"agent_available": False}], True),
        ("agent_available == false", [{"agent_available": True}], False),
        ("agent_available == True", [{"agent_available": True}], True),
        ("not agent_available", [{"agent_available": False}], True),
        ("avg_response_time > 60", [{"response_time": 50}, {"response_time": 80}], True),
        ("avg(cpu_usage, 300) > 85", [{"cpu_usage": 100}, {"cpu_usage": 60}], False),
        ("avg(cpu_usage, 5) > 85", [{"cpu_usage": 60}, {"cpu_usage": 100}], True),
        ("max(cpu_usage, 300) == 100", [{"cpu_usage": 100}, {"cpu_usage": 60}], True),
        ("min(cpu_usage, 300) < 61", [{"cpu_usage": 100}, {"cpu_usage": 60}], True),
        ("rate(completed, 300) >= 1", [{"completed": 5}, {"completed": 15}], True),
        ("rate(completed, 300) == 0.5", [{"completed": 5}, {"completed": 5}, {"completed": 15}], True),
        ("rate(completed, 300) == 0.2", [{"completed": 50}, {"completed": 2}], True),  # it began anew
        ("rate(active_tasks, 300) > 0", [{"active_tasks": 9}, {"active_tasks": 4}, {"active_tasks": 8}], False),
        ("rate(cpu_usage, 300) == -1", [{"cpu_usage": 50}, {"cpu_usage": 90}, {"cpu_usage": 30}], True),
        ("cpu_usage / 2 + 1 > 40 and gpu_usage <= 3 * 5", [{"cpu_usage": 80, "gpu_usage": 15}], True),
        ("cpu_usage > 85 or gpu_usage > 85", [{"cpu_usage": 90}], True),
        ("cpu_usage > 85 and gpu_usage > 85", [{"cpu_usage": 10}], False),
        ("10 < cpu_usage < 20", [{"cpu_usage": 15}], True),
        ("cpu_usage > 85 or gpu_usage > 85", [{"cpu_usage": 10}], None),
        ("gpu_usage > 85", [{"cpu_usage": 90}], None),
        ("rate(completed, 300) > 0", [{"completed": 5}], None),
        ("cpu_usage / gpu_usage > 1", [{"cpu_usage": 90, "gpu_usage": 0}], None),
        ("cpu_usage / gpu_usage > 1 or cpu_usage > 85", [{"cpu_usage": 90, "gpu_usage": 0}], True),
        ("cpu_usage / gpu_usage > 1 and cpu_usage > 85", [{"cpu_usage": 90, "gpu_usage": 0}], None),
    ],
)
def test_a_condition_is_true_false_or_unknown(condition: str, series: list[dict[str, float]], holds: bool | None) -> None:
    samples, now = measured(*series)
    assert parse(condition, AlertScope.AGENT).holds(samples, ACACIA, now) is holds


def test_it_tells_what_it_read_by_a_window_and_what_it_read_now() -> None:
    samples, now = measured({"cpu_usage": 50, "response_time": 10}, {"cpu_usage": 90, "response_time": 20})
    condition = parse("max(cpu_usage, 300) > 1 and avg_response_time > 1 and response_time > 1", AlertScope.AGENT)
    assert condition.values(samples, ACACIA, now) == {
        "response_time": 20,
        "max(cpu_usage, 300)": 90,
        "avg_response_time": 15,
    }
    assert condition.reads == {"cpu_usage", "response_time"}
    assert condition.windows == {"cpu_usage": 300, "response_time": 300}


def test_what_nothing_was_heard_of_for_longer_than_any_window_is_forgotten() -> None:
    samples, now = measured({"cpu_usage": 90})
    samples.forget_old(now + LONGEST_WINDOW_SECONDS)
    assert samples.keys(AlertScope.AGENT) == ["acacia"]
    samples.forget_old(now + LONGEST_WINDOW_SECONDS + 1)
    assert samples.keys(AlertScope.AGENT) == []


def test_what_is_measured_no_more_is_unknown() -> None:
    samples, now = measured({"cpu_usage": 90, "response_time": 90})
    for text in ("cpu_usage > 85", "avg_response_time > 60"):
        condition = parse(text, AlertScope.AGENT)
        assert condition.holds(samples, ACACIA, now + FRESH_SECONDS) is True
        assert condition.holds(samples, ACACIA, now + FRESH_SECONDS + 1) is None


def test_a_window_forgets_what_is_older() -> None:
    samples, now = measured(*({"cpu_usage": float(number)} for number in range(200)))
    assert parse("min(cpu_usage, 100) == 189", AlertScope.AGENT).holds(samples, ACACIA, now) is True
    assert len(samples.window(ACACIA, "cpu_usage", 3600, now)) == 61


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("cpu_usage >", "cannot be read"),
        ("cpu_usage", "neither true nor false"),
        ("cpu_usage > 85 and 1", "neither true nor false"),
        ("cpu_uses > 85", "no metric of a rule with scope agent"),
        ("rate(queue_length, 300) > 0", "scope queue over `waiting`"),
        ("waiting > 5", "no metric of a rule with scope agent"),
        ("avg(cpu_usage) > 85", "is no window"),
        ("avg(cpu_usage, 4000) > 85", "is no window"),
        ("median(cpu_usage, 40) > 85", "is no window"),
        ("avg(1, 40) > 85", "is no window"),
        ("avg(avg_cpu_usage, 300) > 85", "no metric of a rule with scope agent"),
        ("max(true, 60) > 0", "no metric of a rule with scope agent"),
        ("avg_avg_cpu_usage > 85", "no metric of a rule with scope agent"),
        ("cpu_usage.real > 85", "holds Attribute"),
        ("__import__('os').system('id') == 0", "holds"),
        ("cpu_usage ** 9 > 85", "holds Pow"),
        ("'a' * 9 == cpu_usage", "holds Constant"),
        ("[x for x in (1,)] == cpu_usage", "holds"),
        ("cpu_usage > 85; 1 > 0", "cannot be read"),
    ],
)
def test_what_is_no_condition_is_refused_in_words(condition: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        parse(condition, AlertScope.AGENT)
