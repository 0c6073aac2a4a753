"""Code in Python, in real processes: what it sees, what it returns, and what it may not."""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workflow.build import node, workflow
from tests.unit.workflow.nodes.case import Case, Fails, check, file, run
from tests.unit.workflow.nodes.test_ai import MODEL, attach, flow
from workflow.core.driver import Driver
from workflow.core.effects import Effect, SubmitTask
from workflow.core.execution import Reply
from workflow.core.interpreter import Interpreter
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import V8Scripts
from workflow.nodes.catalogue import registry
from workflow.python.host import Bounds, Confinement, Python


def _why_not() -> str:
    """Why this machine cannot confine code; empty where it can."""
    call = {"items": [], "static": {}, "continues": False, "node": {"name": "n", "version": 2}}
    found = Python().run(
        json.dumps({"source": "return []", "style": "all", "query": None, "attributes": False, "data": call}).encode()
    )
    return str(json.loads(found).get("unconfined", ""))


pytestmark = pytest.mark.skipif(bool(_why_not()), reason="this machine cannot confine code in Python")

P = ({"n": 3, "name": "Ada"}, {"n": 1, "name": "Bob"})


def native(name: str, source: str, items: Any, gives: Any, *, each: bool = False, **more: Any) -> Case:
    return _case("pythonNative", name, source, items, gives, each=each, **more)


def first(name: str, source: str, items: Any, gives: Any, *, each: bool = False, **more: Any) -> Case:
    """Of n8n's first Python, with its helpers."""
    return _case("python", name, source, items, gives, each=each, **more)


def _case(language: str, name: str, source: str, items: Any, gives: Any, *, each: bool, **more: Any) -> Case:
    mode = {"mode": "runOnceForEachItem"} if each else {}
    parameters = {"language": language, "pythonCode": textwrap.dedent(source), **mode}
    return Case(name=name, kind="code", version=2, parameters=parameters, items=items, gives=gives, **more)


CASES = (
    native("all", 'return [{"json": {"n": item["json"]["n"] + 1}} for item in _items]', P, [[{"n": 4}, {"n": 2}]]),
    native("plain dictionaries", 'return [{"a": 1}, {"a": 2}]', [{}], [[{"a": 1}, {"a": 2}]]),
    native("one dictionary", 'return {"json": {"a": 1}}', [{}], [[{"a": 1}]]),
    native("the items as they are", '_items[0]["json"]["x"] = 1\nreturn _items', [{"a": 1}], [[{"a": 1, "x": 1}]]),
    native("each", 'return {"json": {**_item["json"], "n": _item["json"]["n"] * 2}}', P, [[{"n": 6, "name": "Ada"}, {"n": 2, "name": "Bob"}]], each=True, pairs=[{"item": 0}, {"item": 1}]),
    native("each drops", 'return _item if _item["json"]["n"] > 1 else None', P, [[P[0]]], each=True),
    native("imports", "import re, math, statistics, hashlib\nfrom datetime import datetime\nreturn [{'x': hashlib.sha256(b'a').hexdigest()[:6], 'd': datetime.strptime('2024-02-03', '%Y-%m-%d').day}]", [{}], [[{"x": "ca9781", "d": 3}]]),
    native("functions and classes", "class A:\n    x = 4\ndef f(n):\n    return n * A.x\nreturn [{'x': f(2)}]", [{}], [[{"x": 8}]]),
    native("texts of several lines", 'return [{"x": """a\nb"""}]', [{}], [[{"x": "a\nb"}]]),
    native("sets and times are texts", "from datetime import date\nreturn [{'s': {1}, 'd': date(2024, 2, 3), 't': (1, 2)}]", [{}], [[{"s": "{1}", "d": "2024-02-03", "t": [1, 2]}]]),
    native("no numbers", "return [{'x': float('nan'), 'y': [float('inf')], 'z': 1.5}]", [{}], [[{"x": None, "y": [None], "z": 1.5}]]),
    native("letters of all kinds", 'return [{"x": _items[0]["json"]["x"] + "é🐝"}]', [{"x": "ß"}], [[{"x": "ßé🐝"}]]),
    native("waits", "async def f():\n    return 2\nreturn [{'x': await f()}]", [{}], [[{"x": 2}]]),
    native("raises", "x = 1\nraise ValueError('mine')", [{}], Fails("ValueError: mine [line 2]")),
    native("raises plainly", "raise Exception('mine')", [{}], Fails("mine [line 1]")),
    native("an unknown name", "return [x]", [{}], Fails("NameError: name 'x' is not defined [line 1]")),
    native("syntax", "x = 1\nreturn [", [{}], Fails("'[' was never closed [line 2]")),
    native("a null byte", "x = '\0'", [{}], Fails("null bytes")),
    native("nothing", "x = 1", [{}], Fails("doesn't return items")),
    native("a number", "return 1", [{}], Fails("doesn't return items")),
    native("a list of numbers", "return [1]", [{}], Fails("doesn't return items properly [item 0]")),
    native("an unknown key", 'return [{"json": {}, "x": 1}]', [{}], Fails("Unknown top-level item key: x [item 0]")),
    native("json is no dictionary", 'return [{"json": 1}]', [{}], Fails("isn't a dictionary [item 0]")),
    native("each returns a list", "return []", [{}], Fails("doesn't return a single object [item 0]"), each=True),
    native("a generator", "return ({'a': n} for n in range(2))", [{}], Fails("doesn't return items")),
    native("a circle", "x = {}\nx['x'] = x\nreturn [x]", [{}], Fails("is no JSON: Circular")),
    native("no JSON key", "return [{(1, 2): 3}]", [{}], Fails("is no JSON")),
    native("another package", "import numpy", [{}], Fails("No module named 'numpy' [line 1]")),
    native("not of this mode", "return _item", [{}], Fails("'_item' is not defined")),
    native("leaves", "import sys\nsys.exit(3)", [{}], Fails("SystemExit: 3 [line 2]")),
    native("ends its process", "import os\nos._exit(3)", [{}], Fails("ended its process (exit code 3)")),
    native("too deep", "def f(): return f()\nreturn f()", [{}], Fails("RecursionError")),
    native("no packages of the engine", "import workflow.main", [{}], Fails("ModuleNotFoundError")),
    first("input", "return [{'n': i.json.n, 'm': i['json']['name']} for i in _input.all()]", P, [[{"n": 3, "m": "Ada"}, {"n": 1, "m": "Bob"}]]),
    first("first and last", "return [{'a': _input.first().json.n, 'b': _input.last().json.n}]", P, [[{"a": 3, "b": 1}]]),
    first("to_py", "return [{'n': i['json']['n']} for i in _input.all().to_py()]", P[:1], [[{"n": 3}]]),
    first("sets attributes", "for item in _input.all():\n  item.json.myNewField = 1\nreturn _input.all()", [{"a": 1}], [[{"a": 1, "myNewField": 1}]]),
    first("each", "return {'n': _json.n, 'at': _itemIndex, 'same': _input.item.json.name}", P, [[{"n": 3, "at": 0, "same": "Ada"}, {"n": 1, "at": 1, "same": "Bob"}]], each=True),
    first("another node", "return [{'a': _('Start').first().json, 'b': _node['A'].json.n, 'c': _('A').all()[1].json.n}]", P, [[{"a": {}, "b": 3, "c": 1}]]),
    first("the paired item", "return {'x': _('A').item.json.name}", P, [[{"x": "Ada"}, {"x": "Bob"}]], each=True),
    first("no such node", "return _('gone').all()", [{}], Fails("no node 'gone'")),
    first("what runs", "return [{'w': _workflow.name, 'r': _runIndex, 'p': _prevNode.name, 'm': _execution.mode}]", [{}], [[{"w": "w", "r": 0, "p": "A", "m": "test"}]]),
    first("time", "return [{'z': _now.utcoffset() is not None, 't': _today.hour}]", [{}], [[{"z": True, "t": 0}]]),
    first("a file", "return [{'x': _input.first().binary.data.fileName}]", [{"json": {}, "binary": {"data": file("a")}}], [[{"x": "a.txt"}]]),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_gives(driver: Driver, case: Case) -> None:
    check(driver, case)


CLOSED = {
    "reads a secret": "return [{'x': open('/etc/passwd').read()}]",
    "reads its own environment": "return [{'x': open('/proc/self/environ').read()}]",
    "reads the engine's": "import os\nreturn [{'x': open(f'/proc/{os.getppid()}/environ').read()}]",
    "lists folders": "import os\nreturn [{'x': os.listdir('/')}]",
    "writes": "open('/tmp/written-by-code', 'w')",
    "writes beside it": "open('x', 'w')",
    "removes": "import os\nos.unlink('/tmp/anything')",
    "connects": "import socket\nsocket.create_connection(('127.0.0.1', 22))",
    "sends": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "starts a process": "import subprocess\nsubprocess.run(['/bin/true'])",
    "forks": "import os\nos.fork()",
    "becomes another": "import os\nos.execv('/bin/true', ['true'])",
    "kills the engine": "import os\nos.kill(os.getppid(), 9)",
    "kills by libc": "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nif libc.kill(os.getppid(), 0): raise OSError(ctypes.get_errno(), 'no')",
    "changes a mode": "import os\nos.chmod('/etc/hostname', 0o644)",
    "raises its limits": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_the_kernel_keeps_it_in(driver: Driver, name: str) -> None:
    execution = run(driver, native(name, CLOSED[name], [{}], ()))
    assert execution.failure is not None, execution.last_items()
    known = ("PermissionError", "Operation not permitted", "not allowed to raise", "OSError: [Errno 1]")
    assert any(words in execution.failure.message for words in known), execution.failure
    assert "[line" in execution.failure.message


def test_it_sees_nothing_of_the_engine(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_SECRET", "sesame")
    source = "import os, sys\nreturn [{'e': dict(os.environ), 'p': [p for p in sys.path if 'site-packages' in p], 'm': 'workflow' in sys.modules}]"
    (item,) = run(driver, native("", source, [{}], ())).last_items()
    assert "sesame" not in str(item)
    assert (item["json"]["p"], item["json"]["m"]) == ([], False)


def limited(pool: Pool, **bounds: Any) -> Driver:
    scripts = V8Scripts(pool, python=Python(bounds=Bounds(**bounds)))
    return Driver(interpreter=Interpreter(registry=registry(), scripts=scripts, clock_ms=lambda: 0))


@pytest.mark.parametrize(
    ("source", "bounds", "says"),
    [
        ("while True: pass", {"seconds": 1}, "longer than 1 s"),
        ("import time\ntime.sleep(60)", {"seconds": 0.5}, "longer than 0.5 s"),
        ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", {"seconds": 1}, "longer than 1 s"),
        ("return [10 ** 10 ** 9]", {"seconds": 1}, "longer than 1 s"),
        ("x = []\nwhile True: x.append(' ' * 1_000_000)", {"memory_bytes": 128 << 20}, "more memory than it may"),
        ("return [{'x': 'y' * (1 << 30)}]", {"memory_bytes": 256 << 20}, "more memory than it may"),
        ("return [{'x': 'y' * 2_000_000}]", {"output_bytes": 1_000_000}, "more than 1,000,000 bytes"),
    ],
    ids=["loop", "sleep", "ignores", "arithmetic", "memory", "text", "output"],
)
def test_what_takes_too_much_is_ended(pool: Pool, source: str, bounds: dict[str, Any], says: str) -> None:
    execution = run(limited(pool, **bounds), native("", source, [{}], ()))
    assert execution.failure is not None
    assert execution.failure.code == "evaluation_limit"
    assert says in execution.failure.message
    assert execution.failure.node == "Node"


def test_an_item_that_fails_is_named(driver: Driver) -> None:
    source = "y = 1\nreturn {'x': 1 / (_item['json']['n'] - 1)}"
    execution = run(driver, native("", source, P, (), each=True))
    assert execution.failure is not None
    assert execution.failure.message == "ZeroDivisionError: division by zero [line 2]"
    assert (execution.failure.item, execution.failure.line, execution.failure.code) == (1, 2, "code_error")


def test_a_failing_item_becomes_one_where_the_node_goes_on(driver: Driver) -> None:
    case = native(
        "", "return {'x': 1 / (_item['json']['n'] - 1)}", P, (), each=True, settings={"onError": "continueRegularOutput"}
    )
    items = run(driver, case).runs["Node"][-1].outputs
    assert items is not None
    assert items[0] is not None
    assert [item["json"] for item in items[0]] == [{"x": 0.5}, {"error": "ZeroDivisionError: division by zero [line 1]"}]


def test_what_is_printed_is_kept(driver: Driver) -> None:
    source = "print('a', 1)\nprint('b' * 5000)\nfor n in range(500): print(n)\nprint('end', end='')\nreturn []"
    logs = run(driver, native("", source, [{}], ())).runs["Node"][-1].logs
    assert (logs[0], len(logs[1]), len(logs)) == ("a 1", 2000, 200)


def test_static_data_are_kept(driver: Driver) -> None:
    source = "d = _getWorkflowStaticData('global')\nd['n'] = d.get('n', 0) + 1\n_execution.customData.set('k', 2)\nreturn [{'n': d.n}]"
    execution = run(driver, first("", source, [{}], ()))
    assert execution.static_data == {"global": {"n": 1}}
    assert execution.custom_data == {"k": "2"}


def test_many_items_cost_one_process(driver: Driver) -> None:
    execution = run(
        driver, native("", "return {'n': _item['json']['n'] + 1}", [{"n": n} for n in range(10_000)], (), each=True)
    )
    assert execution.failure is None
    assert execution.last_items()[-1]["json"] == {"n": 10_000}


def test_it_is_not_run_where_it_is_turned_off(pool: Pool) -> None:
    driver = limited(pool)
    driver.interpreter.scripts = V8Scripts(pool, python=Python(Confinement.OFF))
    execution = run(driver, native("", "return []", [{}], ()))
    assert execution.failure is not None
    assert "HIVE_WORKFLOW_PYTHON" in (execution.failure.description or "")


def test_a_tool_of_an_agent_may_be_python(driver: Driver) -> None:
    texts = ['{"tool": "double", "input": {"query": "21"}}', "It is 42"]
    tool = attach(
        "Tool",
        "toolCode",
        "Node",
        "ai_tool",
        {"name": "double", "language": "python", "pythonCode": "return str(int(_query) * 2)"},
    )

    def carry_out(effect: Effect) -> Reply:
        assert isinstance(effect, SubmitTask)
        return Reply(value={"status": "completed", "output": {"text": texts.pop(0)}})

    driver.carry_out = carry_out
    execution = driver.run(flow("agent", {}, [{"chatInput": "x"}], MODEL, tool))
    assert execution.last_items()[0]["json"] == {"output": "It is 42"}
    assert "42" in str(driver.effects[-1])


_ENGINE = """
import sys
from workflow.python.host import Bounds, Python
from workflow.expressions.scripts import to_bytes
data = {"items": [], "static": {}, "continues": False, "node": {"name": "n", "version": 2}}
print("ready", flush=True)
Python(bounds=Bounds(seconds=600)).run(to_bytes({"source": sys.argv[1], "style": "all", "query": None, "attributes": False, "data": data}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tie a process to its parent")
def test_no_process_is_left_of_an_engine_that_is_killed() -> None:
    engine = subprocess.Popen([sys.executable, "-c", _ENGINE, "while True: pass"], stdout=subprocess.PIPE)
    try:
        child = wait_for(lambda: next(iter(children_of(engine.pid)), None))
        wait_for(lambda: cpu_seconds(child) > 0.3 or None)
        engine.kill()
        engine.wait()
        wait_for(lambda: not alive(child) or None)
    finally:
        engine.kill()
        engine.wait()
        if engine.stdout is not None:
            engine.stdout.close()


def wait_for(look: Callable[[], Any], seconds: float = 30) -> Any:
    until = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)  # a process tells nobody but its parent that it ended
    return found


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_workflow_mixes_both_languages(driver: Driver) -> None:
    made = driver.run(
        workflow(
            node("Start", "manualTrigger"),
            node("Py", "code", {"language": "python", "pythonCode": "return [{'n': 20}]"}, version=2),
            node("Js", "code", {"jsCode": "return [{n: $json.n + 1, same: $('Py').first().json.n}]"}, version=2),
            links=["Start → Py → Js"],
        )
    )
    assert made.last_items()[0]["json"] == {"n": 21, "same": 20}
