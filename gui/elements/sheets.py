"""The pages beside the overview, each drawn in the browser by one component."""

from nicegui.element import Element

from gui.theme import OWN


class TaskSheet(Element, component="hive_task_sheet.js"):
    """Every task, a page of them at a time."""


class OneTask(Element, component="hive_one_task.js"):
    """One task in full, at an address of its own."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.props["task"] = task_id


class AgentSheet(Element, component="hive_agent_sheet.js"):
    """Every agent, as a table."""


class OneAgent(Element, component="hive_one_agent.js"):
    """One agent: how it was, how fast it is, what it has, what it did."""

    def __init__(self, agent_id: str) -> None:
        super().__init__()
        self.props["agent"] = agent_id


class ModelSheet(Element, component="hive_model_sheet.js"):
    """Every model, and where it is."""


class Playground(Element, component="hive_playground.js"):
    """Talk to one model, or to two side by side."""


class McpServerSheet(Element, component="hive_mcp_sheet.js"):
    """The registry of MCP servers."""


class AlertSheet(Element, component="hive_alert_sheet.js"):
    """What fires, what is silenced, and the rules."""


class UsageSheet(Element, component="hive_usage_sheet.js"):
    """What was used, by whom, and how much may be."""


class AuditSheet(Element, component="hive_audit_sheet.js"):
    """Who changed what, and who was refused."""


class Timeline(Element, component="hive_timeline.js"):
    """Which agent did what in the last hour."""


class UserSheet(Element, component="hive_user_sheet.js"):
    """People who sign in."""


class SettingSheet(Element, component="hive_setting_sheet.js"):
    """One's password, keys, join tokens, maintenance."""


class Navigation(Element, component="hive_navigation.js"):
    """The pages, the command palette, and the dialogs and notes of whatever page it is."""

    def __init__(self) -> None:
        super().__init__()
        self.props["logo"] = f"{OWN}favicon.svg"
