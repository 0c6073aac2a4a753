"""Read/Write Files from Disk: files of the engine's machine, within the folders that an administrator allows; without any it is refused.

A file that is written as a whole may be written again after a crash. An addition to one ends as `outcome_unknown`.
"""

import base64
from typing import Any

from workflow.core.effects import HandleFiles
from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.expressions.parameters import Parameters
from workflow.nodes import binary
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of


def run(call: NodeCall) -> EffectRun:
    made: list[Item] = []
    for index in range(len(call.items)):
        try:
            parameters = call.each()[index]
            if parameters.get("operation", "read") == "write":
                value_of((yield _writing(call, parameters, index)))
                made.append(_written(call, parameters, index))
            else:
                found = value_of((yield _reading(parameters)))
                made.extend(_read(parameters, file, index) for file in found)
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    return [made]


def _reading(parameters: Parameters) -> HandleFiles:
    pattern = parameters.text("fileSelector")
    if not pattern:
        raise NodeError("No file is named")
    return HandleFiles(operation="read", path=pattern)


def _read(parameters: Parameters, file: dict[str, Any], index: int) -> Item:
    options = parameters.get("options") or {}
    path = str(file["path"])
    name = str(options.get("fileName") or path.rpartition("/")[2])
    content = binary.make(base64.b64decode(file["content"]), name=name, mime_type=str(options.get("mimeType") or "") or None)
    content["directory"] = path.rpartition("/")[0]
    if options.get("fileExtension"):
        content["fileExtension"] = str(options["fileExtension"])
    shown = {
        name: content[name] for name in ("mimeType", "fileType", "fileName", "fileExtension", "fileSize") if name in content
    }
    field = str(options.get("dataPropertyName") or "data")
    return {"json": shown, "binary": {field: content}, "pairedItem": paired(index)}


def _writing(call: NodeCall, parameters: Parameters, index: int) -> HandleFiles:
    path = parameters.text("fileName")
    if not path:
        raise NodeError("No file is named")
    content, _ = binary.read(call.items[index], parameters.text("dataPropertyName", "data"), index)
    appends = parameters.get("options.append") is True
    return HandleFiles(
        operation="write", path=path, content=base64.b64encode(content).decode(), append=appends, repeatable=not appends
    )


def _written(call: NodeCall, parameters: Parameters, index: int) -> Item:
    item = call.items[index]
    made: Item = {"json": {**item["json"], "fileName": parameters.text("fileName")}, "pairedItem": paired(index)}
    return {**made, "binary": item["binary"]} if item.get("binary") else made


TYPES = (NodeType(name="n8n-nodes-base.readWriteFile", versions=(1, 1.1), run=run, effect=True),)
