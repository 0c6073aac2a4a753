"""One V8 isolate: text in, text out, within a time and a memory.

mini-racer's own class passes each call through an event loop of its own, which is most of what a call costs (0.3 ms against 0.02 ms
here); this speaks to the same library directly. Its version is pinned by the lock file, and a unit test calls every function used here.
"""

import ctypes
import queue
from typing import Any, Final

from py_mini_racer._dll import init_mini_racer, mr_callback_func

DEFAULT_MEMORY_BYTES: Final = 256 * 1024 * 1024
_STRING: Final = 5
_EXECUTE_ERROR, _OUT_OF_MEMORY, _TERMINATED = 200, 202, 204
_CALLBACK: Final = 1
_INLINE_BYTES: Final = 2048
"""Below this the argument travels within the source: one call to the library in the place of three."""


class ScriptError(Exception):
    """The script threw what the runtime did not catch, or could not be parsed."""


class OutOfTime(Exception):
    """The script ran longer than it may. The isolate stays usable."""


class OutOfMemory(Exception):
    """The script used more than the isolate may. The isolate is spent."""


def prepare() -> None:
    """Loads V8, in a thread from which all that use it descend. V8 guards memory by keys of the processor, which a thread has of the one
    that started it: in a thread that does not descend from where V8 was loaded a new isolate ends the process.
    """
    init_mini_racer(ignore_duplicate_init=True)


class Isolate:
    """Not for several threads at once: whoever holds it calls it. Raises the three errors above."""

    def __init__(self, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self._dll: Any = init_mini_racer(ignore_duplicate_init=True)
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._callback = mr_callback_func(lambda _id, raw: self._results.put(raw))
        self._context: int | None = self._dll.mr_init_context(self._callback)
        self._dll.mr_set_hard_memory_limit(self._context, memory_bytes)
        self._argument_name = self._string(b"__argument")
        self._global: Any = self._start(b"globalThis", None)
        self.spent = False

    def evaluate(self, source: str, timeout_seconds: float | None = None) -> str:
        """The string that the source evaluates to; empty where it is something else."""
        return self._text(self._start(source.encode(), timeout_seconds))

    def call(self, function: str, argument: bytes, timeout_seconds: float) -> str:
        """`function(argument)`, with the argument as a JavaScript value written in JSON."""
        if len(argument) <= _INLINE_BYTES and b"__proto__" not in argument:
            return self._text(self._start(b"%s(%s)" % (function.encode(), argument), timeout_seconds))
        value = self._string(argument)
        done = self._dll.mr_set_object_item(self._context, self._global, self._argument_name, value)
        self._dll.mr_free_value(self._context, value)
        self._dll.mr_free_value(self._context, done)
        return self._text(self._start(b"%s(__takeArgument())" % function.encode(), timeout_seconds))

    def close(self) -> None:
        """Frees the isolate; safe to call twice."""
        context, self._context = self._context, None
        if context is not None:
            self._dll.mr_free_value(context, self._argument_name)
            self._dll.mr_free_value(context, self._global)
            self._dll.mr_free_context(context)

    def _string(self, value: bytes) -> Any:
        return self._dll.mr_alloc_string_val(self._context, value, len(value), _STRING)

    def _start(self, source: bytes, timeout_seconds: float | None) -> Any:
        code = self._string(source)
        try:
            task = self._dll.mr_eval(self._context, code, _CALLBACK)
            return self._wait(task, timeout_seconds)
        finally:
            self._dll.mr_free_value(self._context, code)

    def _wait(self, task: int, timeout_seconds: float | None) -> Any:
        try:
            return self._results.get(timeout=timeout_seconds)
        except queue.Empty:
            self._dll.mr_cancel_task(self._context, task)
            self._dll.mr_free_value(self._context, self._results.get())
            raise OutOfTime from None

    def _text(self, raw: Any) -> str:
        value = raw.contents
        kind, text = value.type, ""
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
