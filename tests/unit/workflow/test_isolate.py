"""Evaluation is bounded in time, memory and reach, and leaves nothing behind for the next one."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.unit.workflow.build import code, node, workflow
from workflow.core.driver import Driver
from workflow.core.execution import Execution
from workflow.expressions.isolate import Isolate, OutOfMemory, OutOfTime, ScriptError
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import Limits, V8Scripts
from workflow.running.upkeep import until_worn_out

START = node("Start", "manualTrigger")


@pytest.fixture
def isolate() -> Iterator[Isolate]:
    isolate = Isolate(memory_bytes=64 * 1024 * 1024)
    yield isolate
    isolate.close()


def run(driver: Driver, *sources: str) -> Execution:
    nodes = [code(f"N{n}", source) for n, source in enumerate(sources)]
    return driver.run(workflow(START, *nodes, links=["Start → " + " → ".join(each["name"] for each in nodes)]))


def freed(pool: Pool) -> None:
    """Waits until nothing runs on."""
    assert all(each.freed.wait(60) for each in pool._running_on)
    assert pool.running_on == 0


def result(driver: Driver, *sources: str) -> dict[str, object]:
    execution = run(driver, *sources)
    assert execution.failure is None, execution.failure
    json: dict[str, object] = execution.last_items()[0]["json"]
    return json


def test_a_loop_without_end_is_stopped_and_the_isolate_goes_on(isolate: Isolate) -> None:
    with pytest.raises(OutOfTime):
        isolate.evaluate("for (;;) {}", 0.05)
    assert isolate.evaluate("'on'") == "on"


def test_memory_is_bounded_and_the_isolate_is_spent(isolate: Isolate) -> None:
    with pytest.raises(OutOfMemory):
        isolate.evaluate("const all = []; for (;;) all.push(new Array(100000).fill(1.5))", 30)
    assert isolate.spent


def test_what_cannot_be_parsed_is_an_error(isolate: Isolate) -> None:
    with pytest.raises(ScriptError, match="SyntaxError"):
        isolate.evaluate("(")


def test_a_large_argument_arrives_whole(isolate: Isolate) -> None:
    isolate.evaluate(
        "var held = ''; Object.defineProperty(globalThis, '__argument', {set(v) { held = v }}); function __takeArgument() { return held }"
    )
    assert isolate.call("(x => String(x.length))", b'"' + b"a" * 100_000 + b'"', 5) == "100002"


@pytest.mark.parametrize(
    "name",
    ["process", "require", "fetch", "XMLHttpRequest", "Deno", "WebAssembly", "SharedArrayBuffer", "importScripts", "module"],
)
def test_nothing_of_the_host_is_in_reach(name: str, driver: Driver) -> None:
    assert result(driver, f"return {{ found: typeof {name} }}") == {"found": "undefined"}
    assert result(driver, f"return {{ found: typeof (new Function('return this'))()['{name}'] }}") == {"found": "undefined"}


def test_what_code_changes_is_gone_for_the_next(driver: Driver) -> None:
    first = """
        leaked = 1; globalThis.other = 2; Array.prototype.map = () => 'bad'; String.prototype.evil = 1; Object.prototype.x = 1;
        JSON.parse = null; DateTime.now = () => 'never'; $json = 5; Math.max = () => 0;
        return {}
    """
    second = """
        return { leaked: typeof leaked, other: typeof other, map: [1].map(x => x + 1), evil: ''.evil ?? null, x: ({}).x ?? null,
                 now: typeof DateTime.now().toISO(), max: Math.max(1, 2) }
    """
    assert result(driver, first, second) == {
        "leaked": "undefined",
        "other": "undefined",
        "map": [2],
        "evil": None,
        "x": None,
        "now": "string",
        "max": 2,
    }


@pytest.mark.parametrize(
    "first",
    [
        "Object.defineProperty(globalThis, 'leaked', { value: 1 }); return {}",
        "globalThis[Symbol.for('leaked')] = 1; return {}",
        "Object.freeze(globalThis); return {}",
        "Settings.now = () => 0; Settings.defaultLocale = 'fr'; Settings.throwOnInvalid = true; return {}",
        "globalThis.leaked = 1; return 5",
    ],
)
def test_nothing_that_is_left_spoils_the_next_evaluation(first: str, driver: Driver) -> None:
    run(driver, first)
    second = """
        const kept = [typeof leaked, globalThis[Symbol.for('leaked')] ?? null]; created = 1
        return { kept, created: typeof created, year: DateTime.now().year > 2000, month: DateTime.fromISO('2024-03-01').toFormat('MMMM'),
                 invalid: DateTime.fromISO('x').isValid }
    """
    expected = {"kept": ["undefined", None], "created": "number", "year": True, "month": "March", "invalid": False}
    assert result(driver, second) == expected


def test_what_an_expression_leaves_is_gone_for_the_next(driver: Driver) -> None:
    def value(expression: str) -> object:
        fields = {"assignments": {"assignments": [{"name": "r", "type": "string", "value": f"={{{{ {expression} }}}}"}]}}
        found = driver.run(workflow(START, node("Set", "set", fields, version=3.4), links=["Start → Set"])).last_items()
        return found[0]["json"]["r"]

    assert value("'' + (leaked = 5)") == "5"
    assert value("typeof leaked + ''") == "undefined"


def test_code_that_timed_out_leaves_nothing(driver: Driver) -> None:
    pool = Pool()
    driver.interpreter.scripts = V8Scripts(pool, Limits(code_seconds=0.3))
    assert failure_code(run(driver, "globalThis.leaked = 1; for (;;) {}")) == "evaluation_limit"
    driver.interpreter.scripts = V8Scripts(pool)
    assert result(driver, "return { found: typeof leaked }") == {"found": "undefined"}
    pool.close()


def test_an_object_may_have_its_own_of_what_is_frozen(driver: Driver) -> None:
    source = "const e = new Error('a'); e.name = 'Mine'; const o = {}; o.toString = () => 'text'; class A { valueOf() { return 1 } } return { n: e.name, o: `${o}`, v: +new A() }"
    assert result(driver, source) == {"n": "Mine", "o": "text", "v": 1}


def test_promises_and_timers_are_awaited(driver: Driver) -> None:
    source = "const wait = ms => new Promise(done => setTimeout(done, ms)); await wait(5); const [a, b] = await Promise.all([wait(1).then(() => 1), 2]); return { sum: a + b }"
    assert result(driver, source) == {"sum": 3}


def test_a_promise_that_never_ends_is_an_error(driver: Driver) -> None:
    execution = run(driver, "await new Promise(() => {}); return {}")
    assert execution.failure is not None
    assert "never happens" in execution.failure.message


def test_code_that_runs_too_long_names_its_node(pool: Pool, driver: Driver) -> None:
    driver.interpreter.scripts = V8Scripts(pool, Limits(code_seconds=0.1, expression_seconds=0.1))
    for endless in ("for (;;) {}", "await new Promise(r => setTimeout(r, 60000)); return {}"):
        with capture_logs() as logs:
            execution = run(driver, endless)
        assert execution.failure is not None
        assert (execution.failure.code, execution.failure.node) == ("evaluation_limit", "N0")
        assert [(log["event"], log["code"]) for log in logs] == [("evaluation_stopped", "evaluation_limit")]


LONG = "'a'.repeat(8e4).lastIndexOf('a'.repeat(4e4) + 'b')"
"""A second in which V8 does not stop, whoever tells it to."""


def test_what_cannot_be_stopped_holds_nobody_up(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.expressions.isolate.STOPPING_SECONDS", 0.1)
    pool = Pool()
    driver.interpreter.scripts = V8Scripts(pool, Limits(code_seconds=0.1, expression_seconds=0.1))
    with capture_logs() as logs:
        assert failure_code(run(driver, f"return {{ n: {LONG} }}")) == "evaluation_limit"
    assert {log["event"] for log in logs} == {"evaluation_stopped", "isolate_runs_on"}
    assert pool.running_on == 1
    monkeypatch.setattr("workflow.running.upkeep.MOST_RUNNING_ON", 1)
    with pytest.raises(RuntimeError, match="begins anew"):
        asyncio.run(until_worn_out(pool))
    freed(pool)
    pool.close()


def test_a_promise_that_goes_on_without_end_is_ended(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two calls of V8 nothing has a time; the end of the isolate ends it."""
    monkeypatch.setattr("workflow.expressions.isolate.STOPPING_SECONDS", 0.1)
    pool = Pool()
    driver.interpreter.scripts = V8Scripts(pool, Limits(code_seconds=0.5, expression_seconds=0.5))
    spin = "(async () => { for (;;) await null })()"
    assert failure_code(run(driver, f"{spin}; return {{}}")) == "evaluation_limit"
    fields = {"assignments": {"assignments": [{"name": "r", "type": "number", "value": f"={{{{ ({spin}, 5) }}}}"}]}}
    flow = workflow(START, node("Set", "set", fields, version=3.4), links=["Start → Set"])
    assert failure_code(driver.run(flow)) == "evaluation_limit"
    freed(pool)
    pool.close()


def test_a_promise_that_takes_all_memory_is_told_so(driver: Driver) -> None:
    pool = Pool(memory_bytes=64 * 1024 * 1024)
    driver.interpreter.scripts = V8Scripts(pool)
    execution = run(driver, "const all = []; for (;;) { all.push(new Array(100000).fill(1.5)); await null }")
    pool.close()
    assert execution.failure is not None
    assert "more memory than it may" in execution.failure.message


@pytest.mark.parametrize(
    "source",
    [
        "Array(4e9).fill(0)",
        "Array(4e9).forEach(x => x)",
        "Array.from({ length: 4e9 })",
        "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
        "Array.prototype.sort.call({ length: 2 ** 53 - 1 })",
        "'x'.repeat(2 ** 28).split('')",
    ],
)
def test_what_is_too_long_to_be_gone_through_is_refused(driver: Driver, source: str) -> None:
    """V8 would not stop for hours, or end the process."""
    execution = run(driver, f"{source}; return {{}}")
    assert execution.failure is not None
    assert "longer than can be gone through here" in execution.failure.message


def failure_code(execution: Execution) -> str:
    assert execution.failure is not None
    return execution.failure.code


def test_output_is_bounded(pool: Pool, driver: Driver) -> None:
    driver.interpreter.scripts = V8Scripts(pool, Limits(output_bytes=1000))
    execution = run(driver, "return { long: 'x'.repeat(2000) }")
    assert execution.failure is not None
    assert execution.failure.code == "evaluation_limit"


@pytest.mark.parametrize(
    "source",
    [
        "new Uint8Array(400e6).fill(1)",
        "new ArrayBuffer(400e6)",
        "new ArrayBuffer(1, { maxByteLength: 400e6 }).resize(400e6)",
        "new ArrayBuffer(1).transfer(400e6)",
        "new (new Uint8Array(0).constructor)('400000000')",
        "new (new Uint8Array(0).buffer.constructor)(400e6)",
        "Reflect.construct(Float64Array, [50e6])",
        "new Float64Array({ length: 50e6 })",
        "Buffer.alloc(400e6)",
        "const kept = [new Uint8Array(10e6)]; for (let n = 0; n < 40; n++) kept.push(kept[0].slice())",
        "const kept = [new Uint8Array(10e6)]; for (let n = 0; n < 40; n++) kept.push(kept[0].toReversed())",
        "const kept = [new Uint8Array(10e6)]; for (let n = 0; n < 40; n++) kept.push(new Uint8Array(kept[0]))",
        "const kept = [new ArrayBuffer(10e6)]; for (let n = 0; n < 40; n++) kept.push(kept[0].slice(0))",
    ],
)
def test_memory_outside_of_the_heap_is_bounded_too_and_no_code_can_catch_that(driver: Driver, source: str) -> None:
    pool = Pool(memory_bytes=64 * 1024 * 1024)
    driver.interpreter.scripts = V8Scripts(pool)
    execution = run(driver, f"try {{ {source} }} catch {{}} return {{}}")
    pool.close()
    assert execution.failure is not None
    assert execution.failure.code == "evaluation_limit"
    assert "more memory than it may" in execution.failure.message


@pytest.mark.parametrize("library", ["alasql", "dates"])
def test_libraries_have_the_same_bound(library: str) -> None:
    pool = Pool(memory_bytes=64 * 1024 * 1024)
    with pool.lease("ann", library) as engine, pytest.raises(OutOfMemory):
        engine.isolate.evaluate("new ArrayBuffer(400e6); 'made'")
    pool.close()


def test_each_evaluation_has_the_bound_for_itself(driver: Driver) -> None:
    pool = Pool(memory_bytes=64 * 1024 * 1024)
    driver.interpreter.scripts = V8Scripts(pool)
    source = "return { length: new Uint8Array(40e6).length }"
    assert result(driver, source, source, source) == {"length": 40e6}
    pool.close()


def test_typed_arrays_are_what_they_were(driver: Driver) -> None:
    source = """
        class Mine extends Uint16Array {}
        const grown = new ArrayBuffer(2, { maxByteLength: 8 });
        grown.resize(4);
        const refused = (make) => { try { make(); return 'made' } catch (error) { return error.name } };
        return {
            from: [...Uint8Array.from([1, 2, 3], x => x * 2)], of: [...Float32Array.of(1.5)], view: new Uint8Array(new ArrayBuffer(8), 2, 3).length,
            none: new Uint8Array().length, iterated: new Uint8Array(new Set([1, 2])).length, mine: new Mine(3).map(() => 7) instanceof Mine,
            is: new Uint8Array(1) instanceof Uint8Array, same: new Uint8Array(1).constructor === Uint8Array, name: Uint8Array.name,
            sorted: [...new Uint8Array([3, 1]).toSorted()], swapped: [...new Uint8Array([3, 1]).with(0, 9)], grown: grown.byteLength,
            moved: new ArrayBuffer(3).transfer().byteLength, negative: refused(() => new Uint8Array(-1)),
            called: refused(() => Uint8Array(1)), text: Buffer.from('aGk=', 'base64').toString(), big: refused(() => new Uint8Array(1n)),
        }
    """
    assert result(driver, source) == {
        "from": [2, 4, 6],
        "of": [1.5],
        "view": 3,
        "none": 0,
        "iterated": 2,
        "mine": True,
        "is": True,
        "same": True,
        "name": "Uint8Array",
        "sorted": [1, 3],
        "swapped": [9, 1],
        "grown": 4,
        "moved": 3,
        "negative": "RangeError",
        "called": "TypeError",
        "text": "hi",
        "big": "TypeError",
    }


def test_an_owner_never_gets_the_isolate_of_another() -> None:
    pool = Pool(most_idle=2)
    with pool.lease("ann") as first:
        pass
    with pool.lease("bob") as second, pool.lease("ann") as again:
        assert second is not first
        assert again is first
    pool.close()


def test_console_lines_are_kept(driver: Driver) -> None:
    execution = run(driver, "console.log('a', {b: 1}); console.warn(2); return {}")
    assert execution.runs["N0"][0].logs == ('a {"b":1}', "2")


def test_half_a_surrogate_pair_does_no_harm(driver: Driver) -> None:
    assert result(driver, "return { a: '\\ud800' }", "return { n: $json.a.length }") == {"n": 1}


def test_an_expression_sees_of_the_engine_what_it_is_given(driver: Driver) -> None:
    driver.interpreter.environment = lambda execution: {"vars": {"v": 1}, "resume_url": f"http://hive/{execution.id}"}
    fields = {"v": "={{ $vars.v }}", "url": "={{ $execution.resumeUrl }}", "env": "={{ $env.HOME }}"}

    def run_with(names: list[str]) -> Execution:
        wanted = [{"name": name, "type": "string", "value": fields[name]} for name in names]
        return driver.run(
            workflow(START, node("Set", "set", {"assignments": {"assignments": wanted}}, version=3.4), links=["Start → Set"])
        )

    assert run_with(["v", "url"]).last_items()[0]["json"] == {"v": "1", "url": "http://hive/1"}
    closed = run_with(["env"]).failure
    assert closed is not None
    assert (closed.code, closed.node, closed.item) == ("expression_error", "Set", 0)
    assert (closed.parameter, closed.expression) == ("assignments.assignments[0].value", "{{ $env.HOME }}")


_ZONE = """
from workflow.expressions.pool import Pool
pool = Pool()
with pool.lease() as engine:
    print(engine.isolate.evaluate("String(new Date(0).getHours())"), engine.isolate.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone"))
pool.close()
"""


def test_dates_of_the_language_are_in_utc_wherever_the_engine_runs() -> None:
    environment = {**os.environ, "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, "-c", _ZONE], capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    assert (done.returncode, done.stdout.split()) == (0, ["0", "UTC"]), done.stderr


_THREADS = """
from threading import Thread
from workflow.expressions.pool import Pool
pool = Pool()
def use(owner):
    with pool.lease(owner) as engine:
        print(engine.isolate.evaluate("'used'"))
for owner in "ab":
    thread = Thread(target=use, args=(owner,))
    thread.start()
    thread.join()
pool.close()
"""


def test_threads_that_come_one_after_the_other_have_isolates() -> None:
    """In a process of its own, where nobody has loaded V8 yet: without `prepare` the second thread ends it, where the processor has keys."""
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["used", "used"]), done.stderr
