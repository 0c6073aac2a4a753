"""Hosts with addresses of their own on one machine: network namespaces on a switch, whose cables can be pulled and whose links fail.

A namespace has no name: it lives as long as a process in it, and its cables with it. Every process dies with the test's (tether.py), so
nothing is left behind, also when the test is killed. The switch is in a namespace of the test's own, with address `CLIENT`: inside
`Network` the test itself sees nothing but these hosts, and no packet leaves.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from deploy.local.launch import Launch, start
from tests.parts import slow_link

NETWORK: Final = "10.77.0.0/24"
CLIENT: Final = "10.77.0.1"
SITE: Final = "10.78.0.0/24"
PROGRAMS: Final = ("ip", "nft", "nsenter", "unshare", "setpriv")
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_TRY: Final = """
ip link add switch type bridge && ip link add port type veth peer name far && ip tuntap add dev slow mode tun &&
nft add table ip try '{ chain out { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }; }'
"""


def missing() -> str:
    """Why there can be no hosts here; empty when there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces are made by root, on Linux"
    if absent := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"{', '.join(absent)} not installed (Debian: iproute2, nftables, util-linux)"
    tried = subprocess.run(["unshare", "--net", "sh", "-c", _TRY], capture_output=True, text=True, check=False)
    return f"network namespaces cannot be made here: {tried.stderr.strip()}" if tried.returncode else ""


class Host:
    """`address` is in NETWORK. Off until `power_on`."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name, self.address = name, address
        self._port, self._log = f"p{address.split('.')[-1]}", folder / f"{name}.host.log"
        self._holder: subprocess.Popen[bytes] | None = None
        self._link: subprocess.Popen[bytes] | None = None
        self._unheard: set[str] = set()

    @property
    def on(self) -> bool:
        return self._holder is not None

    def inside(self, *command: str) -> tuple[str, ...]:
        """The command line that runs `command` on this host, as the same process."""
        assert self._holder is not None, f"{self.name} is off"
        return ("nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--", *command)

    def power_on(self) -> None:
        """With its cable in."""
        self._holder = _hold(self._log)
        ip(f"link add {self._port} type veth peer name eth0 address {_hardware(self.address)} netns {self._holder.pid}")
        self.plug()
        ip(f"link set {self._port} up")
        self.ip("link set lo up", f"address add {self.address}/24 dev eth0", "link set eth0 up")

    def power_off(self) -> None:
        """The cable first: nobody hears of it. Its processes are the caller's to kill; what the kernel had to send is lost."""
        self.unplug()
        self.heal()
        ip(f"link delete {self._port}")
        assert self._holder is not None
        _end(self._holder)
        self._holder = None

    def ip(self, *lines: str) -> None:
        ip(*lines, inside=self.inside())

    def plug(self) -> None:
        ip(f"link set {self._port} master switch")

    def unplug(self) -> None:
        """What is sent vanishes without a word, either way."""
        ip(f"link set {self._port} nomaster")

    def apart(self, others: Iterable["Host"]) -> None:
        """Neither hears the other any more, until both heal."""
        for other in others:
            self._deaf_to(other)
            other._deaf_to(self)

    def _deaf_to(self, other: "Host") -> None:
        self._unheard.add(other.address)
        self._filter()

    def _filter(self) -> None:
        rule = f"ip saddr {{ {', '.join(sorted(self._unheard))} }} drop" if self._unheard else ""
        text = f"table inet faults {{ chain input {{ type filter hook input priority 0; {rule}\n }}; }}"
        nft(f"table inet faults\ndelete table inet faults\n{text}\n", inside=self.inside())

    def slow(self, delay_seconds: float, loss: float, *, network: str = NETWORK, address: str = "") -> None:
        """What it sends is held back and lost, until it heals."""
        arguments = (str(delay_seconds), str(loss), network, address or self.address)
        command = self.inside(sys.executable, str(slow_link.__file__), *arguments)
        self._link = start(Launch(name=f"{self.name}-link", command=command), self._log)

    def heal(self) -> None:
        if self._link is not None:
            _end(self._link)
            self._link = None
        if self._unheard:
            self._unheard.clear()
            self._filter()


class Site:
    """A host in a network of its own behind a router, which lets it dial out under the router's address and lets nobody in."""

    INSIDE: Final = "10.78.0.2"
    ROUTER_INSIDE: Final = "10.78.0.1"

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name = name
        self.router = Host(f"{name}-router", address, folder)
        self.address = self.INSIDE
        self._host = Host(name, address, folder)

    @property
    def on(self) -> bool:
        return self._host.on

    def inside(self, *command: str) -> tuple[str, ...]:
        return self._host.inside(*command)

    def power_on(self) -> None:
        self.router.power_on()
        self._host._holder = holder = _hold(self._host._log)
        self.router.ip(f"link add site type veth peer name eth0 netns {holder.pid}")
        self.router.ip(f"address add {self.ROUTER_INSIDE}/24 dev site", "link set site up")
        forward = self.router.inside("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        subprocess.run(forward, check=True)
        nft(
            "table ip router {\n"
            f" chain out {{ type nat hook postrouting priority 100; ip saddr {SITE} masquerade;\n }}\n"
            " chain pass { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname site accept;\n }\n"
            "}\n",
            inside=self.router.inside(),
        )
        self._host.ip("link set lo up", f"address add {self.INSIDE}/24 dev eth0", "link set eth0 up")
        self._host.ip(f"route add default via {self.ROUTER_INSIDE}")

    def power_off(self) -> None:
        self.heal()
        self.router.power_off()
        assert self._host._holder is not None
        _end(self._host._holder)
        self._host._holder = None

    def plug(self) -> None:
        self.router.plug()

    def unplug(self) -> None:
        self.router.unplug()

    def slow(self, delay_seconds: float, loss: float) -> None:
        self._host.slow(delay_seconds, loss, address=self.INSIDE)

    def heal(self) -> None:
        self._host.heal()


class Network:
    """While inside, this thread and those that it starts are the client at the switch."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._stack.callback(os.close, outside)
        _must(_libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS))  # mounts too: what is mounted for a test is gone with it
        self._stack.callback(lambda: _must(_libc.setns(outside, _CLONE_NEWNET)))
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        # With a hardware address of its own: one that it takes from a port would still be heard there when that port's cable is out.
        ip(
            "link set lo up",
            "link add switch address 02:77:00:00:00:01 type bridge forward_delay 0",
            f"address add {CLIENT}/24 dev switch",
            "link set switch up",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def ip(*lines: str, inside: tuple[str, ...] = ()) -> None:
    subprocess.run([*inside, "ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def nft(text: str, inside: tuple[str, ...] = ()) -> None:
    subprocess.run([*inside, "nft", "-f", "-"], input=text, text=True, check=True)


def _hardware(address: str) -> str:
    """The same after a reboot, as others remember it for half a minute."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def _hold(log: Path) -> subprocess.Popen[bytes]:
    """A process in a namespace that is new. Its id is the namespace's as soon as it has left this one's."""
    held = start(Launch(name="host", command=("unshare", "--net", "sleep", "infinity")), log)
    here = Path("/proc/thread-self/ns/net").readlink()
    while Path(f"/proc/{held.pid}/ns/net").readlink() == here:
        assert held.poll() is None, log.read_text()
    return held


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


_libc = ctypes.CDLL(None, use_errno=True)


def _must(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
