"""Who is sent what, in which words, and how often: by a clock that the test moves."""

import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bus.errors import InvalidRequest, NotificationFailed
from bus.messages.alerts import Alert, AlertState, Severity
from bus.messages.notifications import PutTarget, Routing, TargetSource
from monitor.notifying import alertmanager
from monitor.notifying.message import MOST_LINES, Tone, words_of
from monitor.notifying.notifier import given_targets
from monitor.notifying.pace import FIRST_SECONDS, LONGEST_SECONDS, Pace
from monitor.notifying.sender import first_due, group
from monitor.notifying.targets import Target, given, kind_of, notices
from monitor.settings import MonitorSettings
from tests.unit.monitor.alerting.scene import NOON, Scene, rule

URL = "json://ann:sesame@127.0.0.1/"


def fired(*entities: str, severity: Severity = Severity.WARNING, name: str = "hot") -> list[Alert]:
    scene = Scene(**{name: rule("cpu_usage > 85", severity=severity)})
    for entity in entities:
        scene.hear(entity, cpu_usage=90)
    return scene.judge()


def a_target(name: str = "ops", url: str = URL, **routing: object) -> Target:
    return Target(name, url, Routing.model_validate(routing))


def changed(alert: Alert, state: AlertState) -> Alert:
    return alert.model_copy(update={"state": state, "rank": alert.rank + 1})


@pytest.mark.parametrize(
    ("routing", "state", "wanted"),
    [
        ({}, AlertState.FIRING, True),
        ({}, AlertState.RESOLVED, True),
        ({}, AlertState.ACKNOWLEDGED, False),
        ({}, AlertState.SILENCED, False),
        ({"also": ["acknowledged"]}, AlertState.ACKNOWLEDGED, True),
        ({"also": []}, AlertState.RESOLVED, False),
        ({"severities": ["critical"]}, AlertState.FIRING, False),
        ({"severities": ["critical", "warning"]}, AlertState.FIRING, True),
        ({"rules": ["cold"]}, AlertState.FIRING, False),
        ({"rules": ["hot"]}, AlertState.FIRING, True),
        ({"enabled": False}, AlertState.FIRING, False),
    ],
)
def test_a_target_is_sent_what_it_asks_for(routing: dict[str, object], state: AlertState, wanted: bool) -> None:
    (alert,) = fired("acacia")
    told = notices([a_target(**routing)], [alert.model_copy(update={"state": state})])
    assert bool(told) is wanted


def test_alerts_of_one_rule_wait_for_each_other_and_are_one_message() -> None:
    alerts = [*fired("acacia", "oak"), *fired("walnut", name="warm")]
    told = notices([a_target(group_seconds=30), a_target("am", "alertmanager://host")], alerts)
    assert [notice.target for notice in told] == ["ops"] * 3
    assert first_due(told, NOON) == 30
    assert [alert.entity for alert in group(told, NOON + timedelta(seconds=30))] == ["acacia", "oak"]


def test_a_message_says_what_where_since_when_and_what_was_read() -> None:
    one, other = fired("acacia", "oak")
    words = words_of([one, other])
    assert (words.title, words.tone) == ("[WARNING] hot firing: acacia, oak", Tone.WARNING)
    assert words.body.splitlines() == [
        "cpu_usage > 85",
        "",
        "acacia · firing · since 2026-11-27 12:00:00 UTC · cpu_usage 90",
        "oak · firing · since 2026-11-27 12:00:00 UTC · cpu_usage 90",
    ]
    over = changed(one, AlertState.RESOLVED)
    assert words_of([one, over, other]).title == "[WARNING] hot firing: oak", "of one that is over, only that it is"
    assert (words_of([one, over]).title, words_of([one, over]).tone) == ("[RESOLVED] hot resolved: acacia", Tone.SUCCESS)


def test_a_message_stays_short_however_many_there_are() -> None:
    words = words_of(fired(*(f"gpu-{number}" for number in range(100))))
    assert words.title.endswith("and 97 more")
    assert len(words.body.splitlines()) == MOST_LINES + 3


def test_a_target_is_written_to_so_often_a_minute_and_rests_after_a_failure() -> None:
    pace = Pace(per_minute=2)
    for _ in range(2):
        assert pace.wait(100) == 0
        pace.tried(100)
        pace.taken()
    assert pace.wait(110) == 50
    assert pace.wait(160) == 0
    rests = []
    for _ in range(12):
        pace.failed(200)
        rests.append(pace.wait(200))
    assert (rests[:3], rests[-1]) == ([FIRST_SECONDS, FIRST_SECONDS * 2, FIRST_SECONDS * 4], LONGEST_SECONDS)
    pace.taken()
    assert pace.wait(200) == 0


@pytest.mark.parametrize("url", ["", "nowhere", "syslog://", "dbus://", "windows://x", "://x"])
def test_what_leads_nowhere_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        kind_of(url)
    assert not url or url not in refused.value.message


def test_the_settings_give_targets_and_an_error_in_them_shows_no_address() -> None:
    (ops,) = given(json.dumps({"ops": {"url": URL, "severities": ["critical"]}}))
    assert (ops.name, ops.kind, ops.source, ops.routing.severities) == (
        "ops",
        "json",
        TargetSource.SETTINGS,
        (Severity.CRITICAL,),
    )
    assert given(None) == ()
    for wrong in ({"ops": {"url": URL, "severity": "bad"}}, {"ops": {"url": "sesame"}}, [URL]):
        with pytest.raises(InvalidRequest, match="HIVE_ALERT_TARGETS") as refused:
            given(json.dumps(wrong))
        assert "sesame" not in refused.value.message


def test_a_monitor_does_not_begin_with_what_is_no_key() -> None:
    with pytest.raises(InvalidRequest, match="HIVE_CREDENTIALS_KEY") as refused:
        given_targets(MonitorSettings(credentials_key=SecretStr("sesame")))
    assert "sesame" not in refused.value.message


def test_an_address_is_in_no_representation() -> None:
    wish = PutTarget(name="ops", url=SecretStr(URL))
    shown = (repr(a_target()), str(a_target()), repr(wish), a_target().shown(0, None, None).model_dump_json())
    assert not [text for text in shown if "sesame" in text]


def test_an_alertmanager_is_told_how_all_stand_for_a_while() -> None:
    firing, acknowledged, silenced, over, old = fired("a", "b", "c", "d", "e")
    later = NOON + timedelta(minutes=30)
    old = old.model_copy(update={"state": AlertState.RESOLVED, "changed_at": NOON})
    recent = {"changed_at": later - timedelta(minutes=1)}
    alerts = [
        firing,
        acknowledged.model_copy(update={"state": AlertState.ACKNOWLEDGED}),
        silenced.model_copy(update={"state": AlertState.SILENCED, **recent}),
        over.model_copy(update={"state": AlertState.RESOLVED, **recent}),
        old,
    ]
    told = {each["labels"]["agent"]: each["endsAt"] for each in alertmanager.posted(alerts, later)}
    stands, ended = (later + alertmanager.STANDS).isoformat(), recent["changed_at"].isoformat()
    assert told == {"a": stands, "b": stands, "c": ended, "d": ended}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("alertmanager://host", "http://host:9093/api/v2/alerts"),
        ("alertmanagers://ann:x@host:443/am/", "https://ann:x@host:443/am/api/v2/alerts"),
        ("alertmanager://[::1]:80", "http://[::1]:80/api/v2/alerts"),
    ],
)
def test_the_address_of_an_alertmanager(url: str, address: str) -> None:
    assert alertmanager.address(url) == address


async def test_an_address_that_leads_nowhere_is_a_failure_like_another() -> None:
    with pytest.raises(NotificationFailed):
        await alertmanager.post("alertmanager://xn--\u00e9", [])


@pytest.mark.parametrize("url", ["alertmanager://", "alertmanager://host:port", "alertmanager://host/?a=b"])
def test_what_is_no_address_of_an_alertmanager(url: str) -> None:
    with pytest.raises(InvalidRequest):
        alertmanager.address(url)
