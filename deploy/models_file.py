"""models.yaml: read, checked, and what is wrong with it told by line and field. Does no I/O but the file's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bus.codec import sentences
from bus.errors import InvalidRequest
from bus.messages.models import WishedModels

Location = tuple[int | str, ...]


def read_models(file: Path) -> WishedModels:
    """InvalidRequest says the line and the field of everything that is wrong with it."""
    try:
        return parse_models(file.read_text(), str(file))
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{file} is no text. Write it in UTF-8.") from None


def parse_models(text: str, name: str) -> WishedModels:
    """`models:` with a mapping of names to wishes, or a list of wishes; `name` is that of the file, for what is said about it."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}:" if mark else ""
        raise InvalidRequest(f"{name}:{line} this is not YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{name} is not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict) or root is None:
        raise InvalidRequest(f"{name} has no `models:`. Write the models and their wishes below it.")
    _refuse_twins(root, name)
    try:
        return WishedModels.model_validate(content)
    except ValidationError as error:
        raise InvalidRequest(" ".join(_problems(error, root, name))) from None


def _problems(error: ValidationError, root: Any, name: str) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        line, path = _place(root, problem["loc"])
        yield f"{name}: line {line}: " + sentences([(path, problem["type"], problem["msg"])])


def _place(node: Any, location: Location) -> tuple[int, Location]:
    """The line of what a location names, or of the nearest thing around it; and the location with models by their names."""
    line, path = node.start_mark.line + 1, list[int | str]()
    for part in location:
        found = _inside(node, part)
        if found is None:
            path.append(part)
            continue
        key, node = found
        line = (key or node).start_mark.line + 1
        path.append(key.value if key is not None else part)
    return line, tuple(path)


def _inside(node: Any, part: int | str) -> tuple[Any, Any] | None:
    """Key and value of one part; of a mapping that stands for a list the entry of that number. None for what the file does not have."""
    if isinstance(node, yaml.MappingNode):
        if isinstance(part, int):
            return node.value[part] if part < len(node.value) else None
        return next(((key, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    return None


def _refuse_twins(node: Any, name: str) -> None:
    """YAML takes the last of two equal keys, and a wish would be lost without a word."""
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in lines:
                raise InvalidRequest(
                    f"{name}: line {line}: `{key.value}` stands in line {lines[key.value]} already. Take one of them out."
                )
            lines[key.value] = line
            _refuse_twins(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twins(value, name)
