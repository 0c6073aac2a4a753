"""Which type of node has which fields. Pure."""

from typing import Final

from bus.messages.node_types import NodeTypeRecord
from gui.workflows.forms.ai import AI, FIRST_OPEN_AI
from gui.workflows.forms.data import DATA
from gui.workflows.forms.fields import Field, area
from gui.workflows.forms.files import FILES
from gui.workflows.forms.flow import FLOW
from gui.workflows.forms.lists import ITEM_LISTS
from gui.workflows.forms.models import MODELS
from gui.workflows.forms.pages import PAGES
from gui.workflows.forms.request import REQUEST
from gui.workflows.forms.schema import fields_of_schema
from gui.workflows.forms.starts import STARTS
from gui.workflows.forms.stores import STORES
from gui.workflows.forms.texts import TEXTS
from gui.workflows.forms.tools import TOOLS
from gui.workflows.forms.web import WEB

FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    **FLOW,
    **DATA,
    **TEXTS,
    **FILES,
    **WEB,
    **PAGES,
    **STARTS,
    **STORES,
    **MODELS,
    **AI,
    **TOOLS,
    "httpRequest": REQUEST,
    "itemLists": ITEM_LISTS,
    "n8n-nodes-base.openAi": FIRST_OPEN_AI,
}
"""By the type's name without its package, or as a whole where two have the same. One without fields has nothing to be set."""
_ABOUT: Final = area("toolDescription", "What it does, for the model")


def fields_of(kind: NodeTypeRecord) -> tuple[Field, ...] | None:
    """None where the dashboard knows no fields, so that the parameters are written as JSON. Of a tool of an MCP server by its schema."""
    if kind.parameters_schema is not None:
        return fields_of_schema(kind.parameters_schema)
    short = kind.name.rpartition(".")[2]
    found = FIELDS.get(kind.name, FIELDS.get(short))
    if found is None and short.endswith("Tool") and short.removesuffix("Tool") in FIELDS:
        return (_ABOUT, *FIELDS[short.removesuffix("Tool")])
    return found
