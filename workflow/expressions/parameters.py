"""A node's parameters with their expressions evaluated, for one item.

A `Template` is made once of a parameter tree: the texts that hold expressions, and the way to each. V8 gives one value for each of them
and item; a `Parameters` puts them into the tree only where and when it is read, so what a node does not read cannot fail.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from workflow.core.failure import ExpressionError
from workflow.core.paths import read

UNDEFINED: Final = object()
"""What JavaScript has beside `null`: to nodes both are nothing, but who writes a field leaves one that is undefined out."""

Spec: TypeAlias = "int | tuple[tuple[Any, Spec], ...]"
"""Where expressions are in a tree: the number of one, or the keys that lead on to some."""


AS_JSON: Final = "\x00"
"""What a source begins with whose text is JSON: what stands in its braces is written as JSON, but for texts, which stand as they are."""


@dataclass(frozen=True, slots=True)
class Template:
    tree: Mapping[str, Any]
    sources: tuple[str, ...]
    """Texts with expressions, the leading `=` taken off."""
    names: tuple[str, ...]
    """The path of each, as an error names it."""
    specs: Mapping[str, Spec]


def has_expressions(value: Any) -> bool:
    """Whether anything in a tree of parameters is to be evaluated."""
    if isinstance(value, str):
        return value.startswith("=")
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(map(has_expressions, inner))


def compile_template(tree: Mapping[str, Any], as_json: str | None = None) -> Template:
    """`as_json`: the parameter, if any, whose text is JSON with expressions in it."""
    sources: list[str] = []
    names: list[str] = []

    def visit(value: Any, name: str) -> "Spec | None":
        if isinstance(value, str):
            if not value.startswith("="):
                return None
            sources.append(AS_JSON + value[1:] if name == as_json else value[1:])
            names.append(name)
            return len(sources) - 1
        if isinstance(value, dict):
            pairs = [(key, visit(child, f"{name}.{key}" if name else str(key))) for key, child in value.items()]
        elif isinstance(value, list):
            pairs = [(key, visit(child, f"{name}[{key}]")) for key, child in enumerate(value)]
        else:
            return None
        return tuple((key, spec) for key, spec in pairs if spec is not None) or None

    specs = {key: spec for key, value in tree.items() if (spec := visit(value, key)) is not None}
    return Template(tree, tuple(sources), tuple(names), specs)


class Parameters(Mapping[str, Any]):
    """`parameters["url"]`, `parameters.get("options.timeout", 300)`. Raises `ExpressionError` for one that could not be evaluated."""

    __slots__ = ("_ready", "_template", "_values", "index")

    def __init__(self, template: Template, values: Sequence[Any] = (), index: int = 0) -> None:
        self._template = template
        self._values = values
        self._ready: dict[str, Any] = {}
        self.index = index

    def __getitem__(self, name: str) -> Any:
        spec = self._template.specs.get(name)
        if spec is None:
            return self._template.tree[name]
        if name not in self._ready:
            self._ready[name] = self._fill(self._template.tree[name], spec)
        return self._ready[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._template.tree)

    def __len__(self) -> int:
        return len(self._template.tree)

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dot path. One that is `null` or not there gives the default."""
        name, _, rest = path.partition(".")
        if name not in self._template.tree:
            return default
        value = self[name]
        if rest:
            value = read(value, rest)
        return default if value is None else value

    def text(self, path: str, default: str = "") -> str:
        """As a string; a number or boolean is written as JavaScript writes it."""
        value = self.get(path, default)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    def raw(self, path: str, default: Any = None) -> Any:
        """As it is in the document, expressions not evaluated."""
        value = read(self._template.tree, path)
        return default if value is None else value

    def forgiving(self) -> tuple["Parameters", frozenset[str]]:
        """The same, with `undefined` for what could not be evaluated; and the names of those."""
        failed = [isinstance(value, ExpressionError) for value in self._values]
        values = [UNDEFINED if bad else value for bad, value in zip(failed, self._values, strict=True)]
        names = frozenset(name for bad, name in zip(failed, self._template.names, strict=False) if bad)
        return Parameters(self._template, values, self.index), names

    @property
    def has_undefined(self) -> bool:
        return any(value is UNDEFINED for value in self._values)

    def is_undefined(self, name: str) -> bool:
        """Whether the expression of that name (`values.string[0].value`) gave `undefined`."""
        return name in self._template.names and self._values[self._template.names.index(name)] is UNDEFINED

    def _fill(self, value: Any, spec: Spec) -> Any:
        if isinstance(spec, int):
            found = self._values[spec]
            if isinstance(found, ExpressionError):
                raise found
            return None if found is UNDEFINED else found
        copy = value.copy()
        for key, inner in spec:
            copy[key] = self._fill(value[key], inner)
        return copy
