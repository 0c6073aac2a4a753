"""Busy ports are told in one sentence: which, who holds it, what to change."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bus.errors import Conflict, InvalidRequest
from deploy.local import ports
from deploy.settings import DeploySettings


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def free(**more: int) -> DeploySettings:
    return DeploySettings(**{"api_port": 0, "gui_port": 0, "nats_port": 0, **more})  # type: ignore[arg-type]


async def test_zero_takes_free_ports_that_no_outgoing_connection_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "KERNELS_RANGE", tmp_path / "range")
    ports.KERNELS_RANGE.write_text("30000\t60999\n")
    found = await ports.choose(free(nats_leaf_port=0))
    assert all(20_000 <= port < 30_000 for port in vars(found).values())


async def test_a_door_for_leaves_is_there_only_when_it_was_asked_for() -> None:
    assert (await ports.choose(free())).nats_leaf == 0


async def test_a_bus_of_somebody_else_s_is_given_no_door_for_leaves() -> None:
    elsewhere = {"nats_url": SecretStr("nats://bus.example.org")}
    with pytest.raises(InvalidRequest, match="no bus of its own"):
        await ports.choose(free(nats_leaf_port=7422).model_copy(update=elsewhere))
    assert (await ports.choose(free().model_copy(update=elsewhere))).nats_leaf == 0


@pytest.mark.parametrize("lowest", [1024, 20_000])
def test_a_kernel_whose_range_is_wide_gives_the_port_itself(
    lowest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "KERNELS_RANGE", tmp_path / "range")
    ports.KERNELS_RANGE.write_text(f"{lowest}\t60999\n")
    assert ports.free_port() > 0


def test_without_the_kernels_word_its_usual_range_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "KERNELS_RANGE", tmp_path / "nothing")
    assert 20_000 <= ports.free_port() < 32_768


async def test_a_busy_port_names_its_holder_and_the_remedy(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PATIENCE_SECONDS", 0)
    with pytest.raises(Conflict, match=rf"Port {taken}.*API.*process {os.getpid()}.*HIVE_API_PORT"):
        await ports.choose(free(api_port=taken))


async def test_a_port_that_becomes_free_in_a_moment_is_waited_for() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = int(listener.getsockname()[1])
        asyncio.get_running_loop().call_later(0.15, listener.close)
        assert (await ports.choose(free(gui_port=port))).gui == port


async def test_the_ports_of_somebody_elses_bus_are_not_looked_at(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", "nats://bus:4222")
    assert (await ports.choose(free(nats_port=taken))).nats == 0


@pytest.mark.parametrize("host", ["203.0.113.7", "nowhere.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(InvalidRequest, match="HIVE_HOST"):
        ports.bindable(host, 0)


def test_an_unseen_holder_is_said_to_be_unseen() -> None:
    wish = ports.Wish(what="NATS", host="127.0.0.1", port=4222, remedy="HIVE_NATS_PORT")
    assert "may not see" in ports.busy(wish, None)


def test_no_port_is_given_twice_though_nobody_listens_on_it_yet() -> None:
    """Of so many draws two would be alike but for one time in a hundred thousand."""
    given = [ports.free_port() for _ in range(550)]
    assert len(set(given)) == len(given)
