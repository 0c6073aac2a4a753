"""What code sees: the items, and by n8n's documented names of its first Python (`_input`, `_json`, `_node` …) the rest. Standard library only."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


class Record(dict):  # type: ignore[type-arg]
    """A dictionary whose keys are attributes too: code of the first Python reads `item.json.name`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"There is no {name!r} here") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def to_py(self) -> Record:
        """What was needed there to make a dictionary of it."""
        return self


class Rows(list):  # type: ignore[type-arg]
    def to_py(self) -> Rows:
        return self


class Input:
    """`_input`."""

    def __init__(self, view: View) -> None:
        self._view = view

    def all(self, branch: int = 0) -> Rows:
        more = self._view.call.get("more") or []
        return Rows(more[branch - 1]) if branch else self._view.items

    def first(self, branch: int = 0) -> Any:
        return next(iter(self.all(branch)), None)

    def last(self, branch: int = 0) -> Any:
        found = self.all(branch)
        return found[-1] if found else None

    @property
    def item(self) -> Any:
        return self._view.item

    @property
    def params(self) -> Any:
        return self._view.call.get("previousParams") or Record()


class Node:
    """`_("Name")` and `_node["Name"]`."""

    def __init__(self, view: View, name: str) -> None:
        found = (view.call.get("nodes") or {}).get(name)
        if found is None or len(found) == 1:
            raise LookupError(f"Referenced node doesn't exist: the workflow has no node '{name}'")
        self._view, self._name, self._found = view, name, found

    def all(self, branch: int | None = None, run: int | None = None) -> Rows:
        runs = self._executed()
        number = runs - 1 if run is None or run < 0 else run
        outputs = self._found["data"].get(str(number))
        if outputs is None:
            raise LookupError(f"Node '{self._name}' has no run {number}: it ran {runs} times")
        place = self._found.get("output", 0) if branch is None else branch
        return Rows(outputs[place] or [] if place < len(outputs) else [])

    def first(self, branch: int | None = None, run: int | None = None) -> Any:
        return next(iter(self.all(branch, run)), None)

    def last(self, branch: int | None = None, run: int | None = None) -> Any:
        found = self.all(branch, run)
        return found[-1] if found else None

    def itemMatching(self, index: int) -> Any:  # noqa: N802 - as documented
        self._executed()
        pairs = self._found.get("pairs") or []
        found = pairs[index] if index < len(pairs) else None
        if isinstance(found, str):
            raise LookupError(found)
        if found is None or len(found) == 1:
            raise LookupError(f"Paired item data for node '{self._name}' is unavailable for item {index}")
        output, run, place = found
        return self._found["data"][str(run)][output][place]

    pairedItem = itemMatching  # noqa: N815

    def _executed(self) -> int:
        runs: int = self._found["runs"]
        if not runs:
            raise LookupError(f"Node '{self._name}' hasn't been executed")
        return runs

    @property
    def isExecuted(self) -> bool:  # noqa: N802
        return bool(self._found["runs"])

    @property
    def item(self) -> Any:
        return self.itemMatching(self._view.at)

    @property
    def params(self) -> Any:
        return self._found.get("params") or Record()

    @property
    def context(self) -> Any:
        return self._found.get("context") or Record()

    @property
    def json(self) -> Any:
        """Of the item at the same place, as `_node` has it."""
        return self._same().get("json")

    @property
    def binary(self) -> Any:
        return self._same().get("binary") or Record()

    def _same(self) -> Any:
        found = self.all()
        if self._view.at >= len(found):
            raise LookupError(f"No data found for item-index: \"{self._view.at}\" of node '{self._name}'")
        return found[self._view.at]


class Nodes:
    """`_node`."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __getitem__(self, name: str) -> Node:
        return Node(self._view, name)

    def __getattr__(self, name: str) -> Node:
        return Node(self._view, name)


class CustomData:
    """`_execution.customData`."""

    def __init__(self, call: dict[str, Any]) -> None:
        self._call = call

    def set(self, key: str, value: Any) -> None:
        self._call["customData"] = {**(self._call.get("customData") or {}), key: str(value)}

    def setAll(self, values: dict[str, Any]) -> None:  # noqa: N802
        for key, value in values.items():
            self.set(key, value)

    def get(self, key: str) -> Any:
        return self.getAll().get(key)

    def getAll(self) -> dict[str, Any]:  # noqa: N802
        return dict(self._call.get("customData") or {})


class View:
    """The data of a call, and which item is under way."""

    def __init__(self, call: dict[str, Any]) -> None:
        self.call = call
        self.items = Rows(call["items"])
        self.at = 0

    @property
    def item(self) -> Any:
        return self.items[self.at] if self.at < len(self.items) else None

    def static(self, kind: str) -> Any:
        """`_getWorkflowStaticData`."""
        if kind not in ("global", "node"):
            raise ValueError(f'The type "{kind}" is not known to _getWorkflowStaticData: it takes "global" and "node"')
        key = "global" if kind == "global" else f"node:{self.call['node']['name']}"
        found: Any = self.call["static"].setdefault(key, Record())
        return found

    def names(self, source: str) -> dict[str, Any]:
        """Those that are the same for all items. Times where they are mentioned, since their module takes long to load."""
        call = self.call
        execution = Record(call.get("execution") or {})
        execution["customData"] = CustomData(call)
        times = _times(call.get("offset_seconds", 0)) if "_now" in source or "_today" in source else {}
        return {
            **times,
            "_": lambda name: Node(self, name),
            "_input": Input(self),
            "_node": Nodes(self),
            "_execution": execution,
            "_workflow": call.get("workflow") or Record(),
            "_prevNode": call.get("previous") or Record(),
            "_vars": call.get("vars") or Record(),
            "_nodeVersion": call["node"]["version"],
            "_runIndex": call.get("run", 0),
            "_getWorkflowStaticData": self.static,
        }

    def of_item(self, *, each: bool) -> dict[str, Any]:
        """Those of the item under way. `_items` is of one mode and `_item` of the other, as in n8n."""
        item = self.item or Record()
        own = {"_item": item} if each else {"_items": self.items}
        return {**own, "_json": item.get("json"), "_binary": item.get("binary") or Record(), "_itemIndex": self.at}


def _times(offset_seconds: float) -> dict[str, datetime]:
    from datetime import datetime, timedelta, timezone

    now = datetime.now(timezone(timedelta(seconds=offset_seconds)))
    return {"_now": now, "_today": now.replace(hour=0, minute=0, second=0, microsecond=0)}
