"""The elements of the pages of workflows. Python holds what they show; they say what a person wants as events."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from nicegui.element import Element

from bus.messages import Message
from gui.theme import OWN

FOLDER: Final = Path(__file__).parent
MODULES: Final = ("hive-flow", "hive-editor")
STYLESHEET: Final = "workflows.css"
_STYLES: Final = ("built/index.css", "canvas.css", "pages.css")


@cache
def stylesheet() -> str:
    """What a page needs that has one of these."""
    return "\n".join((FOLDER / name).read_text() for name in _STYLES)


def head() -> str:
    """For the head of such a page."""
    return f'<link rel="stylesheet" href="{OWN}{STYLESHEET}">'


class Told(Element):
    """What has one line from the server: `tell` with a word and what it is about."""

    def tell(self, word: str, about: Message | dict[str, Any] | None = None) -> None:
        self.run_method("tell", word, about.model_dump(mode="json") if isinstance(about, Message) else about)


class WorkflowTable(Told, component="hive_workflows.js"):
    """The list of workflows, with what can be done with each."""

    def __init__(self, may: Message) -> None:
        super().__init__()
        self.props["may"] = may.model_dump()


class WorkflowEditor(Told, component="hive_editor.js", esm=dict(zip(MODULES, ("built", "editor"), strict=True))):
    """The canvas with its palette, forms and executions. `key`: under which this browser keeps what was not saved."""

    def __init__(self, may: Message, key: str, *, execution: str | None = None) -> None:
        super().__init__()
        self.props["may"] = may.model_dump()
        self.props["draftKey"] = key
        self.props["execution"] = execution
