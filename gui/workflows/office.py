"""What a person does with workflows and executions, as requests on the bus in that person's name."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel

from bus import subjects
from bus.client import Bus
from bus.messages import Claims, NoReply
from bus.messages.credentials import (
    ChangeCredential,
    ConnectCredential,
    ConnectUrl,
    CreateCredential,
    CredentialList,
    CredentialRecord,
    CredentialRef,
    CredentialTest,
    TryCredential,
)
from bus.messages.node_types import NodeTypeList
from bus.messages.previews import PreviewExpressions, Previews
from bus.messages.workflows import (
    ActivateWorkflow,
    ChangeWorkflow,
    CreateWorkflow,
    ExecuteWorkflow,
    ExecutionList,
    ExecutionRecord,
    ExecutionRef,
    ListExecutions,
    ListWorkflows,
    RetryExecution,
    WorkflowList,
    WorkflowRecord,
    WorkflowRef,
    WorkflowVersionRecord,
    WorkflowVersionRef,
    WorkflowVersions,
)
from gui import sessions
from gui.counted import Take

M = TypeVar("M", bound=BaseModel)

READ_SECONDS: Final = 5.0
ORDER_SECONDS: Final = 15.0
TRY_SECONDS: Final = 40.0


class Office:
    """Every verb raises the HiveError that the service answered with. A read does not wait for a service that is away: the page says so."""

    def __init__(self, bus: Bus, still: Callable[[], Claims | None], take: Take) -> None:
        self.bus, self._still, self._take = bus, still, take

    @property
    def claims(self) -> Claims:
        """As they are now. SessionOver."""
        return sessions.required(self._still)

    async def list(self, query: ListWorkflows) -> WorkflowList:
        return await self._read(subjects.SERVICE_WORKFLOWS, "list", query, WorkflowList)

    async def get(self, workflow_id: UUID) -> WorkflowRecord:
        return await self._read(subjects.SERVICE_WORKFLOWS, "get", WorkflowRef(id=workflow_id), WorkflowRecord)

    async def node_types(self) -> NodeTypeList:
        return await self._read(subjects.SERVICE_WORKFLOWS, "node-types", NoReply(), NodeTypeList)

    async def versions(self, workflow_id: UUID) -> WorkflowVersions:
        return await self._read(subjects.SERVICE_WORKFLOWS, "versions", WorkflowRef(id=workflow_id), WorkflowVersions)

    async def version(self, workflow_id: UUID, version: int) -> WorkflowVersionRecord:
        wanted = WorkflowVersionRef(id=workflow_id, version=version)
        return await self._read(subjects.SERVICE_WORKFLOWS, "version", wanted, WorkflowVersionRecord)

    async def create(self, document: Mapping[str, Any], name: str | None = None) -> WorkflowRecord:
        wish = CreateWorkflow(name=name, n8n_data=dict(document))
        return await self._order(subjects.SERVICE_WORKFLOWS, "create", wish, WorkflowRecord)

    async def save(self, workflow_id: UUID, document: Mapping[str, Any], name: str, version: int) -> WorkflowRecord:
        """Conflict unless `version` is the newest."""
        wish = ChangeWorkflow(id=workflow_id, n8n_data=dict(document), name=name, version=version)
        return await self._order(subjects.SERVICE_WORKFLOWS, "update", wish, WorkflowRecord)

    async def activate(self, workflow_id: UUID, active: bool) -> WorkflowRecord:
        wish = ActivateWorkflow(id=workflow_id, active=active)
        return await self._order(subjects.SERVICE_WORKFLOWS, "activate", wish, WorkflowRecord)

    async def delete(self, workflow_id: UUID) -> None:
        await self._order(subjects.SERVICE_WORKFLOWS, "delete", WorkflowRef(id=workflow_id), NoReply)

    async def execute(self, workflow_id: UUID, execution_id: UUID, destination: str | None) -> ExecutionRecord:
        wish = ExecuteWorkflow(id=workflow_id, execution_id=execution_id, destination=destination)
        return await self._order(subjects.SERVICE_WORKFLOWS, "execute", wish, ExecutionRecord)

    async def executions(self, query: ListExecutions) -> ExecutionList:
        return await self._read(subjects.SERVICE_EXECUTIONS, "list", query, ExecutionList)

    async def execution(self, execution_id: UUID) -> ExecutionRecord:
        return await self._read(subjects.SERVICE_EXECUTIONS, "get", ExecutionRef(id=execution_id), ExecutionRecord)

    async def stop(self, execution_id: UUID) -> ExecutionRecord:
        return await self._order(subjects.SERVICE_EXECUTIONS, "stop", ExecutionRef(id=execution_id), ExecutionRecord)

    async def retry(self, execution_id: UUID, node: str | None) -> ExecutionRecord:
        wish = RetryExecution(id=execution_id, execution_id=uuid4(), node=node)
        return await self._order(subjects.SERVICE_EXECUTIONS, "retry", wish, ExecutionRecord)

    async def credentials(self) -> CredentialList:
        return await self._read(subjects.SERVICE_CREDENTIALS, "list", NoReply(), CredentialList)

    async def create_credential(self, wish: CreateCredential) -> CredentialRecord:
        return await self._order(subjects.SERVICE_CREDENTIALS, "create", wish, CredentialRecord)

    async def change_credential(self, wish: ChangeCredential) -> CredentialRecord:
        return await self._order(subjects.SERVICE_CREDENTIALS, "update", wish, CredentialRecord)

    async def delete_credential(self, credential_id: UUID) -> None:
        await self._order(subjects.SERVICE_CREDENTIALS, "delete", CredentialRef(id=credential_id), NoReply)

    async def try_credential(self, wish: TryCredential) -> CredentialTest:
        """Patient: the other side has its time."""
        subject = subjects.service_verb(subjects.SERVICE_CREDENTIALS, "test")
        return await self.bus.request(subject, wish, CredentialTest, claims=self.claims, timeout=TRY_SECONDS, patient=False)

    async def connect_credential(self, credential_id: UUID) -> ConnectUrl:
        return await self._order(subjects.SERVICE_CREDENTIALS, "connect", ConnectCredential(id=credential_id), ConnectUrl)

    async def preview(self, wish: PreviewExpressions) -> Previews:
        return await self._read(subjects.SERVICE_EXECUTIONS, "preview", wish, Previews)

    async def _read(self, service: str, verb: str, body: BaseModel, answer: type[M]) -> M:
        subject = subjects.service_verb(service, verb)
        return await self.bus.request(subject, body, answer, claims=self.claims, timeout=READ_SECONDS, patient=False)

    async def _order(self, service: str, verb: str, body: BaseModel, answer: type[M]) -> M:
        subject, claims = subjects.service_verb(service, verb), self.claims
        await self._take(subject, claims)
        return await self.bus.request(subject, body, answer, claims=claims, timeout=ORDER_SECONDS, patience=READ_SECONDS)
