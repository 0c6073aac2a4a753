"""The pages beside the overview, each drawn in the browser by one component."""

from nicegui.element import Element


class TaskSheet(Element, component="hive_task_sheet.js"):
    """Every task, a page of them at a time."""


class OneTask(Element, component="hive_one_task.js"):
    """One task in full, at an address of its own."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.props["task"] = task_id


class Navigation(Element, component="hive_navigation.js"):
    """The pages, the command palette, and the dialogs and notes of whatever page it is."""
