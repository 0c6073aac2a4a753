"""How long the holder of the lock counts as silent."""

from datetime import UTC, datetime, timedelta

from coordinator.leading.leader import ATTENTIVE_SECONDS, Silence

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_session_that_is_used_is_not_silent() -> None:
    silence = Silence()
    for look in range(20):
        assert silence.look(7, NOON + timedelta(seconds=look), 100.0 + look / 4) == 0


def test_silence_grows_from_the_first_look_that_saw_it() -> None:
    silence = Silence()
    assert [silence.look(7, NOON, at) for at in (100.0, 100.25, 100.5)] == [0, 0.25, 0.5]


def test_another_holder_begins_anew() -> None:
    silence = Silence()
    silence.look(7, NOON, 100.0)
    silence.look(7, NOON, 100.5)
    assert silence.look(8, NOON, 100.75) == 0


def test_time_in_which_nobody_looked_does_not_count() -> None:
    silence = Silence()
    silence.look(7, NOON, 100.0)
    assert silence.look(7, NOON, 100.0 + 2 * ATTENTIVE_SECONDS) == 0
