"""The protocol's requests for resources: list, read, complete an id, and be told when one has changed."""

from collections.abc import Sequence
from typing import Final

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplateReference,
    SubscribeRequestParams,
    TextResourceContents,
    UnsubscribeRequestParams,
)

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import HiveError
from bus.messages import Claims
from bus.messages.workflows import ListWorkflows, WorkflowList
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.context import Context, claims_of
from coordinator.gateway.mcp.feed import Feed
from coordinator.gateway.mcp.prompts import complete_prompt
from coordinator.gateway.mcp.reading import CLUSTER, require_readable, text_of
from coordinator.gateway.mcp.resource import Kind
from coordinator.gateway.mcp.resource_kinds import JSON, KINDS

MOST_VALUES: Final = 100
"""The protocol's bound."""
LISTED: Final = 100
_NUMBERS: Final = "Agents by status, waiting tasks, slots and throughput."
LIST_SECONDS: Final = 2.0
_AGENT, _WORKFLOW = (next(kind for kind in KINDS if kind.name == name) for name in ("agent", "workflow"))


class Resources:
    def __init__(self, gateway: Gateway, feed: Feed) -> None:
        self._gateway, self._feed = gateway, feed

    async def templates(self, context: Context, _: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        claims = claims_of(context)
        return ListResourceTemplatesResult(resource_templates=[kind.described for kind in KINDS if kind.open_to(claims)])

    async def list(self, context: Context, _: PaginatedRequestParams | None) -> ListResourcesResult:
        """What there is a handful of; tasks and executions are reached by their templates."""
        claims = claims_of(context)
        return ListResourcesResult(resources=[*self._fleet(claims), *await self._workflows(claims)])

    def _fleet(self, claims: Claims) -> Sequence[Resource]:
        if not auth.allows(claims, Permission.AGENTS_VIEW):
            return ()
        cluster = Resource(uri=CLUSTER, name="cluster", title="The hive in numbers", description=_NUMBERS, mime_type=JSON)
        agents = self._gateway.overview.agent_list().agents
        return [cluster, *(_listed(_AGENT, agent.agent_id, agent.name) for agent in agents)]

    async def _workflows(self, claims: Claims) -> Sequence[Resource]:
        """None of them while no engine answers."""
        if not auth.allows(claims, Permission.WORKFLOWS_VIEW):
            return ()
        subject, body = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "list"), ListWorkflows(limit=LISTED)
        try:
            found = await self._gateway.bus.request(
                subject, body, WorkflowList, claims=claims, timeout=LIST_SECONDS, patient=False
            )
        except HiveError:
            return ()
        return [_listed(_WORKFLOW, str(workflow.id), workflow.name) for workflow in found.workflows]

    async def read(self, context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        mime_type, text = await text_of(self._gateway, claims_of(context), params.uri)
        return ReadResourceResult(contents=[TextResourceContents(uri=params.uri, mime_type=mime_type, text=text)])

    async def complete(self, context: Context, params: CompleteRequestParams) -> CompleteResult:
        claims, argument = claims_of(context), params.argument
        if not isinstance(params.ref, ResourceTemplateReference):
            return _completed(complete_prompt(self._gateway, claims, params.ref.name, argument.name, argument.value))
        kind = next((kind for kind in KINDS if kind.template == params.ref.uri), None)
        if kind is None or argument.name != kind.variable:
            raise MCPError(INVALID_PARAMS, f"There is no template {params.ref.uri} with a variable {argument.name!r}.")
        if not kind.open_to(claims):
            return _completed(())
        return _completed(await kind.ids(self._gateway, claims, argument.value))

    async def subscribe(self, context: Context, params: SubscribeRequestParams) -> EmptyResult:
        await require_readable(self._gateway, claims_of(context), params.uri)
        await self._feed.watch(context, params.uri)
        return EmptyResult()

    async def unsubscribe(self, context: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        await self._feed.unwatch(context, params.uri)
        return EmptyResult()


def _listed(kind: Kind, entity_id: str, title: str) -> Resource:
    name, uri = f"{kind.name} {entity_id}", kind.uri_of(entity_id)
    return Resource(uri=uri, name=name, title=title, description=kind.description, mime_type=kind.mime_type)


def _completed(values: Sequence[str]) -> CompleteResult:
    more = len(values) > MOST_VALUES
    return CompleteResult(completion=Completion(values=[*values[:MOST_VALUES]], total=len(values), has_more=more))


def protocol_error(error: HiveError) -> MCPError:
    """Where the protocol has no results that are errors: its own code, and Hive's beside it."""
    code = INVALID_PARAMS if error.http_status < 500 else INTERNAL_ERROR
    return MCPError(code, f"[{error.code}] {error.message}", {"code": error.code, "detail": error.message})
