"""The kill test: 200 chats at all doors, half of them streamed, while hosts are killed at random, and not one is cut, doubled or mended visibly."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import httpx
import pytest

from deploy.local.ports import free_port
from tests.integration.gateway.parts import ADMIN_KEY, until
from tests.integration.llm.chatting import DOORS, Answer, ask
from tests.integration.llm.conftest import LlmHive, SidecarProcess
from tests.parts.replica import Replica
from tests.parts.storyteller import MODEL, story

pytestmark = pytest.mark.slow

HOSTS = ("oak", "elm", "ash", "yew", "fir", "box")
MOST_AWAY = 2
"""Of the hosts, when another is killed: without any nothing would be shown, either."""
REQUESTS, AT_ONCE = 200, 16
TOKENS, SECONDS = (20, 45), 0.03
"""Of an answer, and of each of its tokens: one to two seconds, in which hosts are killed."""
KILLED_EVERY = (5, 10)
"""So many answers lie between two kills, at the least."""
LEAST_LOST = 10
"""Attempts that died with their hosts: with fewer the run would not have shown anything."""
ENDS = {"openai": "stop", "anthropic": "end_turn", "ollama": "stop"}


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[int]:
    """The port of a backend that goes on with what it is shown."""
    port = free_port()
    backend = Replica("teller", (sys.executable, "-m", "tests.parts.storyteller", str(port)), {}, tmp_path / "teller.log")
    backend.start()
    yield port
    backend.kill()


def upstream(name: str, port: int) -> str:
    return f"{name}=http://127.0.0.1:{port}/{name}?slots=4"


@pytest.fixture
def hosts(
    start_hive: Callable[..., LlmHive], teller: int, tmp_path: Path
) -> Iterator[tuple[LlmHive, dict[str, SidecarProcess]]]:
    hive = start_hive(upstream(HOSTS[0], teller), models=1)
    with ExitStack() as stack:
        found = {HOSTS[0]: hive.sidecar}
        for name in HOSTS[1:]:
            (folder := tmp_path / name).mkdir()
            found[name] = stack.enter_context(SidecarProcess(hive.server, folder, upstream(name, teller)))
        for name in HOSTS:
            hive.until(f"/api/agents/{name}", lambda answer: answer.json().get("status") == "online")
        yield hive, found


class Crowd:
    """Clients that ask one after the other until everything was asked; `answers` and `failures` by the name of the story."""

    def __init__(self, url: str, random: Random) -> None:
        self._url = url
        self.asked = {f"s{number}": random.randint(*TOKENS) for number in range(REQUESTS)}
        self.answers: dict[str, Answer] = {}
        self.failures: dict[str, str] = {}

    @property
    def ended(self) -> int:
        return len(self.answers) + len(self.failures)

    async def run(self) -> None:
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        left = iter(self.asked.items())
        async with httpx.AsyncClient(base_url=self._url, headers=headers, timeout=60) as client, asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._client(client, left))

    async def _client(self, client: httpx.AsyncClient, left: Iterator[tuple[str, int]]) -> None:
        for name, tokens in left:
            try:
                prompt = f"{name} {tokens} {SECONDS}"
                self.answers[name] = await ask(client, door_of(name), MODEL, prompt, stream=is_streamed(name))
            except Exception as error:  # whatever it was, it is no answer
                self.failures[name] = f"{door_of(name)} {type(error).__name__}: {error}"


def door_of(name: str) -> str:
    return list(DOORS)[int(name[1:]) % 3]


def is_streamed(name: str) -> bool:
    return int(name[1:]) // 3 % 2 == 0


async def kill_at_random(crowd: Crowd, hive: LlmHive, hosts: dict[str, SidecarProcess], random: Random) -> int:
    """Any that has work, as soon as few enough are away. It is started again a moment later."""
    kills, restarts = 0, set[asyncio.Task[None]]()
    while crowd.ended < REQUESTS - AT_ONCE:
        enough = min(crowd.ended + random.randint(*KILLED_EVERY), REQUESTS - AT_ONCE)
        await until(lambda: crowd.ended >= enough, seconds=60)  # noqa: B023
        await asyncio.sleep(random.uniform(0, 0.3))
        while not (working := await asyncio.to_thread(at_work, hive)) and crowd.ended < REQUESTS:
            await asyncio.sleep(0.1)
        if working:
            victim = hosts[random.choice(working)]
            victim.kill()
            kills += 1
            restarts.add(asyncio.create_task(_restart(victim, random.uniform(0, 1))))
    await asyncio.gather(*restarts)
    return kills


def at_work(hive: LlmHive) -> list[str]:
    """None while too many are away."""
    agents = hive.client.get("/api/agents").json()["agents"]
    there = [agent for agent in agents if agent["status"] == "online"]
    return [agent["agent_id"] for agent in there if agent["running"]] if len(there) >= len(HOSTS) - MOST_AWAY else []


async def _restart(host: SidecarProcess, seconds: float) -> None:
    await asyncio.sleep(seconds)
    host.restart()


@pytest.mark.timeout(240)
async def test_two_hundred_chats_outlive_their_hosts(hosts: tuple[LlmHive, dict[str, SidecarProcess]]) -> None:
    (hive, sidecars), random = hosts, Random(7)
    crowd = Crowd(hive.gateway.url, random)
    _, kills = await asyncio.gather(crowd.run(), kill_at_random(crowd, hive, sidecars, random))
    assert not crowd.failures
    for name, answer in crowd.answers.items():
        assert (answer.text, answer.end) == (story(name, crowd.asked[name]), ENDS[door_of(name)]), name
    attempts = recorded_once(hive, crowd.answers)
    print(f"{kills} kills; attempts: {dict(attempts)}")
    assert attempts["lost"] >= LEAST_LOST


def recorded_once(hive: LlmHive, answers: dict[str, Answer]) -> Counter[str]:
    """The attempts of all tasks by their status: each was completed by one, with what its client was told, and there are no others."""
    attempts = Counter[str]()
    for name, answer in answers.items():
        record = hive.task(answer.task_id)
        assert (record["status"], record["output"]["text"]) == ("completed", answer.text)  # type: ignore[index]
        each = [attempt["status"] for attempt in record["attempts"]]  # type: ignore[attr-defined]
        assert each.count("completed") == 1, name
        attempts.update(each)
    listed = {task["id"] for task in hive.client.get("/api/tasks", params={"limit": 500}).json()["tasks"]}
    assert listed == {answer.task_id for answer in answers.values()}
    assert len(listed) == REQUESTS
    return attempts
