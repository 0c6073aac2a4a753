"""The seed's topics: what each listens to on the bus, who may, and what becomes of what is heard. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from bus import auth, subjects
from bus.auth import Permission
from bus.errors import InvalidRequest
from bus.messages import Claims
from bus.messages.alerts import Severity

ANY: Final = "*"
KNOWN: Final = "agent.{id}, execution.{id}, cluster.status, alerts.{severity} and user.{name}, each with * for all"
_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_USER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_KINDS: Final = {
    "workflow.execution_started": "execution_started",
    "workflow.node_completed": "node_completed",
    "workflow.execution_completed": "execution_completed",
    "workflow.execution_failed": "error",
}
"""The seed's names for what happens in an execution."""


class Family(StrEnum):
    AGENT = "agent"
    EXECUTION = "execution"
    CLUSTER = "cluster"
    ALERTS = "alerts"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Topic:
    """`tenant`: whose executions and people, the follower's own."""

    family: Family
    of: str
    tenant: str = subjects.DEFAULT_TENANT

    def __str__(self) -> str:
        return f"{self.family}.{self.of}"

    @property
    def subjects(self) -> tuple[str, ...]:
        """None for the cluster's status, which is a key and no subject."""
        match self.family:
            case Family.AGENT:
                return subjects.events("agent.*", tenant=_HIVE, entity_id=self.of), subjects.metrics(self.of)
            case Family.EXECUTION:
                return (subjects.events("workflow.*", tenant=self.tenant, entity_id=self.of),)
            case Family.ALERTS:
                return (subjects.events("system.alert", tenant=_HIVE),)
            case Family.USER:
                return tuple(subjects.events(kind, tenant=self.tenant) for kind in ("task.*", "workflow.*", "quota.*"))
            case Family.CLUSTER:
                return ()

    def concerned(self, body: Mapping[str, Any]) -> tuple["Topic", ...]:
        """Those of all topics on the same subjects that a message may be for: some tell by its content whose it is."""
        data = body.get("data") or {}
        match self.family:
            case Family.ALERTS:
                whose = [str(data.get("severity"))]
            case Family.USER:
                whose = _owners(data)
            case _:
                return (self,)
        return tuple(replace(self, of=of) for of in (*whose, ANY))

    def require(self, claims: Claims) -> None:
        """PermissionDenied. What is one's own one may follow, with a key that is not bound to less."""
        auth.require(claims, _PERMISSIONS[self.family], owner=self.of if self.family is Family.USER else None)


_HIVE: Final = subjects.DEFAULT_TENANT
_OF_A_TENANT: Final = frozenset({Family.EXECUTION, Family.USER})
"""Hosts, alerts and the cluster are everybody's, by one channel."""
_PERMISSIONS: Final = {
    Family.AGENT: Permission.AGENTS_VIEW,
    Family.EXECUTION: Permission.EXECUTIONS_VIEW,
    Family.CLUSTER: Permission.AGENTS_VIEW,
    Family.ALERTS: Permission.ALERTS_VIEW,
    Family.USER: Permission.TASKS_VIEW,
}


def parse(name: str, tenant: str = subjects.DEFAULT_TENANT) -> Topic:
    """As somebody of that tenant names it. InvalidRequest for what is no topic."""
    family, _, of = name.partition(".")
    if family in set(Family) and _fits(Family(family), of):
        return Topic(Family(family), of, tenant if Family(family) in _OF_A_TENANT else _HIVE)
    raise InvalidRequest(f"There is no topic {name[:100]}. There are {KNOWN}.")


def _fits(family: Family, of: str) -> bool:
    match family:
        case Family.CLUSTER:
            return of == "status"
        case _ if of == ANY:
            return True
        case Family.AGENT:
            return _SLUG.fullmatch(of) is not None
        case Family.ALERTS:
            return of in set(Severity)
        case Family.USER:
            return _USER.fullmatch(of) is not None
        case Family.EXECUTION:
            return _is_uuid(of)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Said:
    """For whoever follows a topic; `topic` names what it is about, also for those who follow all of a family."""

    topic: str
    data: Mapping[str, Any]


def heard(topic: Topic, subject: str, body: Mapping[str, Any]) -> Said | None:
    """None where it is not for this topic. `body` is what the bus carries on one of the topic's subjects."""
    data: Mapping[str, Any] = body.get("data") or {}
    match topic.family:
        case Family.AGENT:
            return Said(f"{topic.family}.{_agent(body)}", _of_agent(body))
        case Family.EXECUTION:
            return _of_execution(subject, body, data)
        case Family.ALERTS:
            severity = data.get("severity")
            return Said(f"{topic.family}.{severity}", data) if topic.of in (ANY, severity) else None
        case Family.USER:
            return _of_user(topic, body, data)
        case Family.CLUSTER:
            return Said(str(topic), body)


def _owners(data: Mapping[str, Any]) -> list[str]:
    """Whose it is: of a workflow's quota, everybody's who ran it."""
    return data.get("owners") or [owner for owner in (data.get("owner"),) if owner is not None]


def _of_user(topic: Topic, body: Mapping[str, Any], data: Mapping[str, Any]) -> Said | None:
    """Who else it concerns, only those are told who may follow everybody."""
    owners = _owners(data)
    if topic.of == ANY:
        return Said(f"{topic.family}.{owners[0]}", {"event": body.get("type"), **data}) if owners else None
    if topic.of not in owners:
        return None
    own = {name: value for name, value in data.items() if name != "owners"}
    return Said(str(topic), {"event": body.get("type"), **own, "owner": topic.of})


def _agent(body: Mapping[str, Any]) -> Any:
    return body["data"]["agent_id"] if "data" in body else body.get("agent_id")


def _of_agent(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The seed's form: `status` of an event, `performance` of what was measured, with `tps` for tokens a second."""
    if "data" in body:
        return {"event": body.get("type"), **body["data"]}
    measured = {name: value for name, value in body.items() if name not in ("agent_id", "timestamp")}
    tps = {"tps": body["tokens_per_second"]} if "tokens_per_second" in body else {}
    return {"performance": {**tps, **measured}}


def _of_execution(subject: str, body: Mapping[str, Any], data: Mapping[str, Any]) -> Said | None:
    """The seed's WorkflowEvent."""
    kind = _KINDS.get(str(body.get("type")))
    if kind is None:
        return None
    execution_id = subjects.last_token(subject)
    more = {"node_id": data.get("node"), **data} if data.get("node") else data
    told = {
        "type": kind,
        "execution_id": execution_id,
        "workflow_id": data.get("workflow_id"),
        "timestamp": body.get("timestamp"),
    }
    return Said(f"{Family.EXECUTION}.{execution_id}", {**told, "data": more})
