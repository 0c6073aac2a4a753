"""How long and how often who waits for a form looks."""

import asyncio
from itertools import pairwise

import pytest

from workflow.doors import form_steps
from workflow.doors.form_ending import at_work_page
from workflow.doors.form_steps import looked_for


async def test_looks_become_rarer_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    at: list[float] = []
    monkeypatch.setattr(form_steps, "LOOK_SECONDS", (0.02, 0.1))

    async def look() -> None:
        at.append(asyncio.get_running_loop().time())

    async with asyncio.timeout(10):
        assert await looked_for(look, 0.5) is None
    pauses = [after - before for before, after in pairwise(at)]
    assert all(
        pause >= least - 0.005 for pause, least in zip(pauses[:-1], (0.02, 0.04, 0.08, 0.1, 0.1, 0.1, 0.1), strict=False)
    )
    assert 2 <= len(at) <= 9, "25 by the first pause"
    assert at[-1] - at[0] >= 0.5 - 0.005, "the last look is at the end"


async def test_what_is_found_ends_it() -> None:
    found = iter((None, "page"))

    async def look() -> str | None:
        return next(found)

    async with asyncio.timeout(10):
        assert await looked_for(look, 60) == "page"


def test_what_is_not_stored_yet_is_not_acknowledged() -> None:
    answer = at_work_page(stored=False)
    assert answer.status == 504, "a program sees it too"
    assert "not stored yet" in str(answer.body)
    assert "refresh" in answer.headers
