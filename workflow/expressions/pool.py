"""Isolates, kept warm. One is used by one caller at a time and only ever by one owner, so that nothing passes between users."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Final

from bus import telemetry
from workflow.expressions.isolate import DEFAULT_MEMORY_BYTES, Isolate, prepare

logger = telemetry.log(__name__)

_SCRIPTS: Final = (
    "buffers.js",
    "vendor/luxon.min.js",
    "vendor/jmespath.js",
    "hashes.js",
    "extensions.js",
    "globals.js",
    "lengths.js",
    "rewrite.js",
    "runtime.js",
)
_MOST_PROGRAMS: Final = 2000
_LATER: Final = {"parser": "vendor/acorn.js", "letters": "vendor/transliteration.min.js"}
"""What an isolate has only once a program needs it."""
_LIBRARIES: Final = {"alasql": ("vendor/alasql.min.js", "alasql.js"), "dates": ("dates.js",)}


@cache
def _script(name: str) -> str:
    text = (files("workflow.expressions") / "js" / name).read_text(encoding="utf-8")
    if name == "vendor/jmespath.js":  # written as a module
        return f"var jmespath = {{}}; (function (exports) {{ {text}\n }})(jmespath);"
    if name == "vendor/transliteration.min.js":  # a `var` of the global scope could not be taken away again
        return f"globalThis.transliteration = (function () {{ {text}\n return transliteration; }})();"
    return text


class Engine:
    """An isolate with the runtime in it, and what it has compiled so far."""

    def __init__(self, owner: str, memory_bytes: int, library: str | None = None) -> None:
        self.owner = owner
        self.isolate = Isolate(memory_bytes)
        self._programs: OrderedDict[object, str] = OrderedDict()
        self._number = 0
        for name in _SCRIPTS if library is None else (*_SCRIPTS, *_LIBRARIES[library]):
            self.isolate.evaluate(_script(name))
        if library is None:  # alasql changes itself while it works
            self.isolate.evaluate(f"__seal({memory_bytes})")

    def program(self, key: object, definition: bytes) -> str:
        """The id of a compiled program; compiles it where it is new."""
        found = self._programs.get(key)
        if found is not None:
            self._programs.move_to_end(key)
            return found
        self._number += 1
        number = f"p{self._number}"
        defined = b'{"id":"%s",%s' % (number.encode(), definition[1:])
        while lacking := self.isolate.call("__define", defined, 10):  # some ms that most isolates never need
            self.isolate.evaluate(_script(_LATER[lacking]))
            self.isolate.evaluate(f"__take('{lacking}')")
        self._programs[key] = number
        if len(self._programs) > _MOST_PROGRAMS:
            _, old = self._programs.popitem(last=False)
            self.isolate.evaluate(f"__undefine('{old}')")
        return number

    def close(self) -> None:
        self.isolate.close()


class Pool:
    """At most `most_idle` isolates (each some MB) wait for work; the one unused for longest is closed for another's sake.

    Made in the thread, or an ancestor of the threads, that use it.
    """

    def __init__(self, most_idle: int = 8, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        prepare()
        self._most_idle = most_idle
        self._memory_bytes = memory_bytes
        self._idle: OrderedDict[int, Engine] = OrderedDict()
        self._lock = Lock()
        self._closed = False
        self._running_on: list[Isolate] = []

    @property
    def running_on(self) -> int:
        """How many isolates still run what nothing stops. Each has a core to itself."""
        with self._lock:
            self._running_on = [each for each in self._running_on if not each.freed.is_set()]
            return len(self._running_on)

    @contextmanager
    def lease(self, owner: str = "", library: str | None = None) -> Iterator[Engine]:
        """An isolate of this owner's. One that is spent is not used again."""
        key = f"{owner}\n{library}" if library else owner
        engine = self._take(key) or Engine(key, self._memory_bytes, library)
        try:
            yield engine
        finally:
            self._put(engine)

    def _take(self, owner: str) -> Engine | None:
        with self._lock:
            for number in reversed(self._idle):
                if self._idle[number].owner == owner:
                    return self._idle.pop(number)
        return None

    def _put(self, engine: Engine) -> None:
        dropped: list[Engine] = []
        with self._lock:
            if self._closed or engine.isolate.spent:
                dropped.append(engine)
            else:
                self._idle[id(engine)] = engine
                while len(self._idle) > self._most_idle:
                    dropped.append(self._idle.popitem(last=False)[1])
        for each in dropped:
            self._drop(each)

    def _drop(self, engine: Engine) -> None:
        engine.close()
        if not engine.isolate.freed.is_set():
            logger.warning("isolate_runs_on", owner=engine.owner)
            with self._lock:
                self._running_on.append(engine.isolate)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = list(self._idle.values()), OrderedDict()
        for engine in idle:
            engine.close()
