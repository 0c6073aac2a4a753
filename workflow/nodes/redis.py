"""Redis: the commands of all items in one effect, where they do not depend on each other's answers. What adds to what is there (incr, push,
pop, publish) ends as `outcome_unknown` after a crash in the middle; the rest may be repeated.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from workflow.core.effects import CallRedis
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.core.paths import with_value
from workflow.credentials.needed import chosen
from workflow.expressions.parameters import Parameters
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.values import number_of, text_of

Commands = list[list[str]]
Answers = Sequence[Any]
Asking = Generator[CallRedis, Reply, Any]

_REPEATABLE: Final = frozenset({"delete", "get", "info", "keys", "set"})
_READS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "string": lambda key: ["GET", key],
    "hash": lambda key: ["HGETALL", key],
    "list": lambda key: ["LRANGE", key, "0", "-1"],
    "set": lambda key: ["SMEMBERS", key],
    "sets": lambda key: ["SMEMBERS", key],
}
"""How a value is read, by its type as Redis and as the node name it."""


def run(call: NodeCall) -> EffectRun:
    operation = str(call.node.parameters.get("operation", "info"))
    made: list[Item] = []
    if operation in ("get", "keys"):
        for index in range(len(call.items)):
            made.append((yield from _guarded(call, index, _READERS[operation](call, call.each()[index], index))))
        return [made]
    if operation not in _WRITERS:
        raise NodeError(f"The operation {operation!r} is not known")
    return [(yield from _written(call, operation))]


def _guarded(call: NodeCall, index: int, asking: Asking) -> Generator[CallRedis, Reply, Item]:
    try:
        item: Item = yield from asking
        return item
    except NodeError as error:
        return _failed(call, error, index)


def _written(call: NodeCall, operation: str) -> Generator[CallRedis, Reply, list[Item]]:
    """All items' commands in one effect, and what each item then is."""
    commands_of, shown = _WRITERS[operation]
    made: dict[int, Item] = {}
    asked: dict[int, Commands] = {}
    for index in range(len(call.items)):
        try:
            asked[index] = commands_of(call.each()[index])
        except NodeError as error:
            made[index] = _failed(call, error, index)
    flat = [command for commands in asked.values() for command in commands]
    answers = iter(value_of((yield _effect(call, flat, repeatable=operation in _REPEATABLE))) if flat else ())
    for index, commands in asked.items():
        try:
            found = [_answer(each) for each in [next(answers, {"error": "It was not done"}) for _ in commands]]
            made[index] = shown(call, index, found)
        except NodeError as error:
            made[index] = _failed(call, error, index)
    return [made[index] for index in sorted(made)]


def _effect(call: NodeCall, commands: Commands, *, repeatable: bool = True) -> CallRedis:
    return CallRedis(credentials=chosen(call.node, "redis"), commands=commands, goes_on=call.continues, repeatable=repeatable)


def _answer(given: Mapping[str, Any]) -> Any:
    if "error" in given:
        raise NodeError(str(given["error"]))
    return given.get("value")


def _failed(call: NodeCall, error: NodeError, index: int) -> Item:
    error.item = index if error.item is None else error.item
    if not call.continues:
        raise error
    return error_item(error, index)


def _ask(call: NodeCall, commands: Commands) -> Generator[CallRedis, Reply, list[Any]]:
    return [_answer(each) for each in value_of((yield _effect(call, commands)))] if commands else []


def _values(call: NodeCall, keys: Sequence[str], kind: str = "automatic") -> Generator[CallRedis, Reply, list[Any]]:
    """Of keys of whatever type; None for one that is not there."""
    kinds = [kind] * len(keys) if kind != "automatic" else (yield from _ask(call, [["TYPE", key] for key in keys]))
    there = [(key, found) for key, found in zip(keys, kinds, strict=True) if found in _READS]
    answers = yield from _ask(call, [_READS[found](key) for key, found in there])
    read = {key: _shaped(found, answer) for (key, found), answer in zip(there, answers, strict=True)}
    return [read.get(key) for key in keys]


def _shaped(kind: str, answer: Any) -> Any:
    """A hash comes as names and values in turn."""
    if kind != "hash" or not isinstance(answer, list):
        return answer
    return dict(zip(answer[::2], answer[1::2], strict=True))


def _get(call: NodeCall, parameters: Parameters, index: int) -> Asking:
    (value,) = yield from _values(call, [_key(parameters)], parameters.text("keyType", "automatic"))
    return {"json": _named(parameters, value), "pairedItem": paired(index)}


def _keys(call: NodeCall, parameters: Parameters, index: int) -> Asking:
    (keys,) = yield from _ask(call, [["KEYS", parameters.text("keyPattern") or "*"]])
    if parameters.get("getValues", True) is False:
        return {"json": {"keys": keys}, "pairedItem": paired(index)}
    values = yield from _values(call, keys)
    return {"json": dict(zip(keys, values, strict=True)), "pairedItem": paired(index)}


def _named(parameters: Parameters, value: Any) -> dict[str, Any]:
    """Under the property's name, whose dots lead inwards unless an option says that they do not."""
    name = parameters.text("propertyName", "propertyName") or "propertyName"
    if parameters.get("options.dotNotation", True) is False:
        return {name: value}
    return with_value({}, name, value)


def _key(parameters: Parameters, name: str = "key") -> str:
    found = parameters.text(name)
    if not found:
        raise NodeError(f"The {name} is empty")
    return found


def _set(parameters: Parameters) -> Commands:
    key, kind, value = _key(parameters), parameters.text("keyType", "automatic"), parameters.get("value", "")
    if kind == "automatic":
        kind = "hash" if isinstance(value, Mapping) else "list" if isinstance(value, list) else "string"
    elif kind != "string" and isinstance(value, str) and parameters.get("valueIsJSON", True) is not False:
        value = _json(value)
    return [*_SETS.get(kind, _set_string)(key, value), *_expire(parameters, key)]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise NodeError("The value is not valid JSON", description="Write JSON, or turn off that the value is JSON") from None


def _set_string(key: str, value: Any) -> Commands:
    return [["SET", key, text_of(value)]]


def _set_hash(key: str, value: Any) -> Commands:
    if not isinstance(value, Mapping) or not value:
        raise NodeError("The value of a hash must be an object with fields")
    return [["HSET", key, *(word for name, each in value.items() for word in (str(name), text_of(each)))]]


def _set_list(key: str, value: Any) -> Commands:
    """As a whole: what the list had before is gone."""
    members = value if isinstance(value, list) else [value]
    return [["DEL", key], *([["RPUSH", key, *(text_of(each) for each in members)]] if members else [])]


def _set_members(key: str, value: Any) -> Commands:
    members = value if isinstance(value, list) else [value]
    return [["SADD", key, *(text_of(each) for each in members)]] if members else []


_SETS: Final = {"string": _set_string, "hash": _set_hash, "list": _set_list, "sets": _set_members}


def _expire(parameters: Parameters, key: str) -> Commands:
    if parameters.get("expire") is not True:
        return []
    seconds = number_of(parameters.get("ttl", 60))
    if seconds is None or seconds < 1:
        raise NodeError("The time to live must be a whole number of seconds, 1 or more")
    return [["EXPIRE", key, str(int(seconds))]]


def _incr(parameters: Parameters) -> Commands:
    key = _key(parameters)
    return [["INCR", key], *_expire(parameters, key)]


def _push(parameters: Parameters) -> Commands:
    word = "RPUSH" if parameters.get("tail") is True else "LPUSH"
    return [[word, _key(parameters, "list"), text_of(parameters.get("messageData", ""))]]


def _pop(parameters: Parameters) -> Commands:
    return [["RPOP" if parameters.get("tail") is True else "LPOP", _key(parameters, "list")]]


def _publish(parameters: Parameters) -> Commands:
    return [["PUBLISH", _key(parameters, "channel"), text_of(parameters.get("messageData", ""))]]


def _same(call: NodeCall, index: int, _: Answers) -> Item:
    return {**call.items[index], "pairedItem": paired(index)}


def _counted(call: NodeCall, index: int, answers: Answers) -> Item:
    return {"json": {call.each()[index].text("key"): answers[0]}, "pairedItem": paired(index)}


def _popped(call: NodeCall, index: int, answers: Answers) -> Item:
    """JSON as what it says."""
    value = answers[0]
    if isinstance(value, str):
        with suppress(ValueError):
            value = json.loads(value)
    return {"json": _named(call.each()[index], value), "pairedItem": paired(index)}


def _told(call: NodeCall, index: int, answers: Answers) -> Item:
    return {"json": info_of(str(answers[0])), "pairedItem": paired(index)}


def info_of(text: str) -> dict[str, Any]:
    """`INFO` as an object: numbers as such, `keys=1,expires=0` as an object of its own."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            found[name] = _info_value(value)
    return found


def _info_value(value: str) -> Any:
    if "=" in value:
        pairs = (part.partition("=") for part in value.split(","))
        return {name: _number(each) for name, _, each in pairs}
    return _number(value)


def _number(text: str) -> Any:
    plain = text.replace(".", "", 1).removeprefix("-")
    found = number_of(text) if plain.isdigit() else None
    return text if found is None else found


_READERS: Final = {"get": _get, "keys": _keys}
_WRITERS: Final[Mapping[str, tuple[Callable[[Parameters], Commands], Callable[[NodeCall, int, Answers], Item]]]] = {
    "delete": (lambda parameters: [["DEL", _key(parameters)]], _same),
    "incr": (_incr, _counted),
    "info": (lambda _: [["INFO"]], _told),
    "pop": (_pop, _popped),
    "publish": (_publish, _same),
    "push": (_push, _same),
    "set": (_set, _same),
}
TYPES = (NodeType(name="n8n-nodes-base.redis", versions=(1,), run=run, effect=True),)
