"""What keeps code in its process: limits, and on Linux the kernel's Landlock (files) and seccomp (everything else). ADR 0030.

It runs within the process that it confines, before the code: nothing of it can be taken back. Standard library only, as `program`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys

from workflow.python.calls import ARCHITECTURES, Calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

_SIGKILL: Final = 9
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_LANDLOCK_CREATE: Final = 444
_LANDLOCK_ADD: Final = 445
_LANDLOCK_RESTRICT: Final = 446
_LANDLOCK_VERSION: Final = 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_PATH_BENEATH: Final = 1
_O_PATH: Final = 0o10000000

_READABLE: Final = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/dev/null",
    "/dev/urandom",
)
"""Beside Python's own library: what its modules load, none of it anybody's secret."""


class Unconfined(Exception):
    """This machine cannot confine the process."""


def tie(parent: int) -> None:
    """The process ends with the thread that started it. Linux only; others have the deadline alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:  # it died before the call
        os._exit(1)


def limit(*, memory_bytes: int, seconds: int) -> None:
    """Of address space and CPU time; no cores, no files of any length. The first process to go where memory is short."""
    _bound(resource.RLIMIT_AS, memory_bytes)
    _bound(resource.RLIMIT_CPU, seconds, seconds + 1)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_NOFILE, 64)
    try:
        with open("/proc/self/oom_score_adj", "w") as out:
            out.write("1000")
    except OSError:
        pass
    _bound(resource.RLIMIT_FSIZE, 0)


def _bound(kind: int, soft: int, hard: int | None = None) -> None:
    try:
        resource.setrlimit(kind, (soft, soft if hard is None else hard))
    except (ValueError, OSError):  # macOS knows no bound of address space
        return


def confine() -> None:
    """No file but the library's, nothing written, no network, no other process. Raises Unconfined, and then nothing may be run."""
    calls = ARCHITECTURES.get(os.uname().machine) if sys.platform == "linux" else None
    if calls is None:
        raise Unconfined(f"{sys.platform} on {os.uname().machine} has no means for it")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise Unconfined("no_new_privs is refused")
    _close_files(libc, [os.path.dirname(os.path.dirname(os.__file__)), *_READABLE])
    _filter_calls(libc, calls)


def _close_files(libc: ctypes.CDLL, readable: Iterable[str]) -> None:
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1:
        raise Unconfined("its kernel has no Landlock (5.13 or newer, and `landlock` in `lsm=`)")
    rules = libc.syscall(_LANDLOCK_CREATE, attributes := _ruleset(version), ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        raise Unconfined(os.strerror(ctypes.get_errno()))
    for path in readable:
        if os.path.exists(path):
            _allow(libc, rules, path)
    if libc.syscall(_LANDLOCK_RESTRICT, rules, 0) != 0:
        raise Unconfined(os.strerror(ctypes.get_errno()))
    os.close(rules)


def _ruleset(version: int) -> bytes:
    """`struct landlock_ruleset_attr` as that version knows it: all rights to files, to TCP, and to signals and sockets of others."""
    rights = 13 if version == 1 else 14 if version == 2 else 15 if version < 5 else 16
    fields = [(1 << rights) - 1, *([3] if version >= 4 else ()), *([3] if version >= 6 else ())]
    return struct.pack(f"={len(fields)}Q", *fields)


def _allow(libc: ctypes.CDLL, rules: int, path: str) -> None:
    place = os.open(path, _O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0)
        if libc.syscall(_LANDLOCK_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0) != 0:
            raise Unconfined(f"{path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(place)


def _filter_calls(libc: ctypes.CDLL, calls: Calls) -> None:
    steps = _steps(calls)
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(steps), ctypes.addressof(buffer))
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, head, 0, 0) != 0:
        raise Unconfined("its kernel has no seccomp filters")


_LOAD: Final = 0x20
_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050001
"""EPERM: the code sees that it may not."""
_NUMBER, _ARCHITECTURE, _SECOND_ARGUMENT = 0, 4, 24
"""Where `struct seccomp_data` has them."""
Step = tuple[int, int, int, int]


def _steps(calls: Calls) -> Sequence[Step]:
    """BPF: what is listed is allowed, some with one of a few second arguments, and all else refused."""
    middle: list[Step] = []
    for number, arguments in calls.by_argument.items():
        middle += [(_IF_EQUAL, 0, len(arguments) * 2 + 2, number), (_LOAD, 0, 0, _SECOND_ARGUMENT)]
        for argument in arguments:
            middle += [(_IF_EQUAL, 0, 1, argument), (_RETURN, 0, 0, _ALLOW)]
        middle.append((_RETURN, 0, 0, _REFUSE))
    for number in calls.allowed:
        middle += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    head: list[Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, calls.architecture),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
    ]
    return [*head, *middle, (_RETURN, 0, 0, _REFUSE)]
