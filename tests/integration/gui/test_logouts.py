"""A logout while the coordinator or Valkey is away: told once they are back, also by the dashboard's next process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from bus import subjects
from bus.messages import Claims, NoReply, Role
from bus.messages.people import EndSession
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from gui import logouts
from gui.logouts import Logouts
from gui.remembered import Remembered
from gui.sessions import Session

BROWSER = "a" * 64
DAY = timedelta(days=1)
SESSION = Session(
    claims=Claims(sub="ada", roles=(Role.VIEWER,), user_id=uuid4(), session_id=uuid4()),
    signed_in_at=datetime.now(UTC),
    generation=1,
)


class Record:
    """The coordinator's verb."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, object]] = []

    async def serve(self, bus: InMemoryBus) -> None:
        ends = Endpoint(verb="logout", body=EndSession, handler=self._end, permission=None)
        await bus.serve(Service(name=subjects.SERVICE_SESSIONS, version="1.0.0", description="Logins", endpoints=(ends,)))

    async def _end(self, call: Call[EndSession]) -> NoReply:
        self.ended.append((call.claims.sub, call.body.session_id))
        return NoReply()


def modes(folder: Path) -> list[int]:
    """Of what waits there."""
    return [file.stat().st_mode & 0o777 for file in folder.iterdir()]


def tear(folder: Path) -> None:
    """As a power cut leaves it."""
    (folder / f"{'b' * 64}.json").write_text("{")


def remembering(url: str | None) -> Remembered:
    return Remembered(url, DAY, "the secret of all replicas")


async def test_what_cannot_be_told_is_told_later_and_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, valkey_url: str
) -> None:
    monkeypatch.setattr(logouts, "ASK_SECONDS", 0.05)
    bus, record, folder = InMemoryBus(), Record(), tmp_path / "logouts"
    replica, away = remembering(valkey_url), remembering("redis://127.0.0.1:1")
    await replica.keep(BROWSER, SESSION)

    leaving = Logouts(bus, away, folder, DAY)
    leaving.begin(BROWSER, SESSION)
    assert not await leaving.tell(), "nobody is there"
    assert modes(folder) == [0o600]

    await record.serve(bus)
    assert not await leaving.tell(), "Valkey still knows it"
    assert not await leaving.tell()
    told = [("ada", SESSION.claims.session_id)]
    assert record.ended == told, "the record is not asked again"

    again = Logouts(bus, replica, folder, DAY)
    assert await again.tell()
    assert record.ended == told * 2
    assert await replica.find(BROWSER) is None
    assert modes(folder) == []
    for each in (replica, away):
        await each.close()


async def test_the_record_is_told_of_all_while_valkey_is_away(tmp_path: Path) -> None:
    """Whoever has a copy of one of these cookies is out, though Valkey does not come back."""
    bus, record, away = InMemoryBus(), Record(), remembering("redis://127.0.0.1:1")
    await record.serve(bus)
    leaving = Logouts(bus, away, tmp_path, DAY)
    left = {}
    for browser in ("a", "b", "c"):
        left[browser] = uuid4()
        leaving.begin(
            browser * 64, SESSION.model_copy(update={"claims": SESSION.claims.model_copy(update={"session_id": left[browser]})})
        )
    for _ in range(2):
        assert not await leaving.tell()
    assert record.ended == [("ada", session_id) for session_id in left.values()]
    assert len(modes(tmp_path)) == 3
    await away.close()


async def test_what_cannot_be_written_down_is_told_all_the_same(tmp_path: Path) -> None:
    bus, record = InMemoryBus(), Record()
    leaving = Logouts(bus, remembering(None), tmp_path / "logouts", DAY)
    (tmp_path / "logouts").rmdir()
    leaving.begin(BROWSER, SESSION)
    await record.serve(bus)
    assert await leaving.tell()
    assert await leaving.tell()
    assert record.ended == [("ada", SESSION.claims.session_id)]


def test_the_folder_of_logins_is_closed_to_others_whoever_makes_it(tmp_path: Path) -> None:
    Logouts(InMemoryBus(), remembering(None), tmp_path / "gui" / "logouts", DAY)
    assert modes(tmp_path) == modes(tmp_path / "gui") == [0o700]


async def test_a_login_that_is_over_by_itself_is_told_to_nobody(tmp_path: Path) -> None:
    leaving = Logouts(InMemoryBus(), remembering(None), tmp_path, DAY)
    leaving.begin(BROWSER, SESSION.model_copy(update={"signed_in_at": datetime.now(UTC) - 2 * DAY}))
    tear(tmp_path)
    assert await leaving.tell()
    assert modes(tmp_path) == []
