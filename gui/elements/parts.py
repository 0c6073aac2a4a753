"""The parts of the page that are drawn in the browser. They read one store there, and the server sends that store one frame at a time."""

from typing import Any

from nicegui.element import Element

from bus.messages import Claims, FailureInfo, Message
from gui.sessions import may


class Live(Element, component="hive_live.js", esm={"hive-live": "live"}):
    """The page's one line: `call` sends, and a person's orders come as its events."""

    def __init__(self, claims: Claims) -> None:
        super().__init__()
        self.props["may"] = may(claims).model_dump()
        self.props["me"] = claims.sub
        self.props["allowedModels"] = list(claims.models)

    def call(self, method: str, *arguments: Message | dict[str, Any] | str | None) -> None:
        """Run a method of hive_live.js, and do not wait for it."""
        self.run_method(method, *(_plain(argument) for argument in arguments))


def _plain(argument: Message | dict[str, Any] | str | None) -> Any:
    return argument.model_dump(mode="json") if isinstance(argument, Message) else argument


class Connection(Element, component="hive_connection.js"):
    """Whether what the page shows is true right now."""


class ThemeSwitch(Element, component="hive_theme_switch.js"):
    """System, light or dark."""


class Summary(Element, component="hive_summary.js"):
    """The hive in five figures."""


class Problems(Element, component="hive_problems.js"):
    """What is wrong."""


class Agents(Element, component="hive_agents.js"):
    """What runs where."""


class Queue(Element, component="hive_queue.js"):
    """What waits."""


class Tasks(Element, component="hive_tasks.js"):
    """The newest tasks."""


class Composer(Element, component="hive_composer.js"):
    """The form, and the answer as it comes."""


class Drawer(Element, component="hive_drawer.js"):
    """One task in full."""


class LoginForm(Element, component="hive_login.js", esm={"hive-live": "live"}):
    """Asks for name and password, which its event `enter` carries, or for an API key, which its event `login` carries.

    `provider` is the name of an OpenID provider, where there is one. `wanted` is the page to which a login leads.
    """

    def __init__(self, failure: FailureInfo | None, provider: str | None, wanted: str) -> None:
        super().__init__()
        self.props["failure"] = failure.model_dump() if failure else None
        self.props["provider"] = provider
        self.props["wanted"] = wanted

    def refuse(self, failure: FailureInfo) -> None:
        self.run_method("refuse", failure.model_dump())
