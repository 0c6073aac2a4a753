"""One V8 isolate: text in, text out, within a time and a memory.

mini-racer's own class passes each call through an event loop of its own, which is most of what a call costs (0.3 ms against 0.02 ms
here); this speaks to the same library directly. Its version is pinned by the lock file, and a unit test calls every function used here.
"""

import ctypes
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import Any, Final

from py_mini_racer._dll import init_mini_racer, mr_callback_func

DEFAULT_MEMORY_BYTES: Final = 256 * 1024 * 1024
_STRING: Final = 5
_EXECUTE_ERROR, _OUT_OF_MEMORY, _TERMINATED = 200, 202, 204
_CALLBACK: Final = 1
_STARTING: Final = Lock()
_started: Final = Event()
_INLINE_BYTES: Final = 2048
"""Below this the argument travels within the source: one call to the library in the place of three."""
STOPPING_SECONDS: Final = 2.0
"""What was told to stop may still take so long. V8 stops loops of the language at once, but few of its own (`lastIndexOf` of a long
text), and none between two calls, where only the end of the isolate stops what a promise goes on with."""


class ScriptError(Exception):
    """The script threw what the runtime did not catch, or could not be parsed."""


class OutOfTime(Exception):
    """The script ran longer than it may. The isolate stays usable, unless it is spent: then it still runs."""


class OutOfMemory(Exception):
    """The script used more than the isolate may. The isolate is spent."""


class TooLong(Exception):
    """What the script gives has more bytes than are taken."""

    def __init__(self, length: int) -> None:
        super().__init__(f"{length:,} bytes")
        self.length = length


def prepare() -> None:
    """Loads V8, in a thread from which all that use it descend. V8 guards memory by keys of the processor, which a thread has of the one
    that started it: in a thread that does not descend from where V8 was loaded a new isolate ends the process. And what all isolates
    share is made with the first one: two first ones at once end the process too, so the first is made here.

    The time zone of `Date` is one of these. It is UTC wherever the engine runs: an execution goes on at another one as it began.
    """
    with _STARTING:
        if not _started.is_set():
            with _zone("UTC"):
                first = Isolate()
                first.evaluate("new Date().getTimezoneOffset()")
                first.close()
            _started.set()


@contextmanager
def _zone(name: str) -> Iterator[None]:
    """V8 asks the environment, once."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before


class Isolate:
    """Not for several threads at once: whoever holds it calls it. Raises the errors above."""

    def __init__(self, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self.spent = self._runs_on = False
        self.freed = Event()
        self._dll: Any = init_mini_racer(ignore_duplicate_init=True)
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._callback = mr_callback_func(lambda _id, raw: self._results.put(raw))
        self._context: int | None = self._dll.mr_init_context(self._callback)
        self._dll.mr_set_hard_memory_limit(self._context, memory_bytes)
        self._argument_name = self._string(b"__argument")
        self._global: Any = self._start(b"globalThis", None)

    def evaluate(self, source: str, timeout_seconds: float | None = None) -> str:
        """The string that the source evaluates to; empty where it is something else."""
        return self._text(self._start(source.encode(), timeout_seconds))

    def call(self, function: str, argument: bytes, timeout_seconds: float, most_bytes: int | None = None) -> str:
        """`function(argument)`, with the argument as a JavaScript value written in JSON. TooLong for more than `most_bytes`."""
        if len(argument) <= _INLINE_BYTES and b"__proto__" not in argument:
            return self._text(self._start(b"%s(%s)" % (function.encode(), argument), timeout_seconds), most_bytes)
        value = self._string(argument)
        done = self._dll.mr_set_object_item(self._context, self._global, self._argument_name, value)
        self._dll.mr_free_value(self._context, value)
        self._dll.mr_free_value(self._context, done)
        return self._text(self._start(b"%s(__takeArgument())" % function.encode(), timeout_seconds), most_bytes)

    @property
    def full(self) -> bool:
        """Whether its memory has been used up, by whatever ran in it."""
        self.spent = self.spent or bool(self._dll.mr_hard_memory_limit_reached(self._context))
        return self.spent

    def close(self) -> None:
        """Frees the isolate; safe to call twice. One that runs on is freed by a thread of its own, once it stops."""
        context, self._context = self._context, None
        if context is None:
            return
        if self._runs_on:
            Thread(target=self._free, args=(context,), name="isolate", daemon=True).start()
        else:
            self._free(context)

    def _free(self, context: int) -> None:
        if not self._runs_on:  # else they go with it
            self._dll.mr_free_value(context, self._argument_name)
            self._dll.mr_free_value(context, self._global)
        self._dll.mr_free_context(context)
        self.freed.set()

    def _string(self, value: bytes) -> Any:
        return self._dll.mr_alloc_string_val(self._context, value, len(value), _STRING)

    def _start(self, source: bytes, timeout_seconds: float | None) -> Any:
        code = self._string(source)
        try:
            task = self._dll.mr_eval(self._context, code, _CALLBACK)
            return self._wait(task, timeout_seconds)
        finally:
            if not self._runs_on:
                self._dll.mr_free_value(self._context, code)

    def _wait(self, task: int, timeout_seconds: float | None) -> Any:
        with suppress(queue.Empty):
            return self._results.get(timeout=timeout_seconds)
        self._dll.mr_cancel_task(self._context, task)
        try:
            self._dll.mr_free_value(self._context, self._results.get(timeout=STOPPING_SECONDS))
        except queue.Empty:
            self.spent = self._runs_on = True
        raise OutOfTime

    def _text(self, raw: Any, most_bytes: int | None = None) -> str:
        value = raw.contents
        kind, text, length = value.type, "", value.len
        if kind == _STRING and most_bytes is not None and length > most_bytes:
            self._dll.mr_free_value(self._context, raw)
            raise TooLong(length)
        if kind == _STRING or kind >= _EXECUTE_ERROR:
            text = ctypes.string_at(value.value.bytes_val, value.len).decode("utf-8", "replace")
        self._dll.mr_free_value(self._context, raw)
        if kind < _EXECUTE_ERROR:
            return text
        if kind == _OUT_OF_MEMORY or (kind == _TERMINATED and self._dll.mr_hard_memory_limit_reached(self._context)):
            self.spent = True
            raise OutOfMemory
        if kind == _TERMINATED:
            raise OutOfTime
        raise ScriptError(text)
