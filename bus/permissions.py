"""Who may say and hear what on the bus: an identity for each service, and one for each host that has joined. Pure.

Subjects are spelled by bus/subjects.py alone. A service's permissions are written into nats.conf (deploy/nats_users.py), a host's into
the token by which a coordinator lets it in (bus/admission.py). What is not listed here, the server refuses, and logs with the name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bus import subjects
from bus.messages import EventType, TaskClass

OPERATOR: Final = "hive"
"""The user of whoever owns the machine, who may do everything in the account: the commands of `hive`, and the NATS CLI."""

COORDINATOR: Final = "coordinator"
GATEWAY: Final = "gateway"
WORKFLOW: Final = "workflow"
MONITOR: Final = "monitor"
GUI: Final = "gui"
SIDECAR: Final = "sidecar"
"""The one of the hive's own machine, which speaks for whatever `hive agents add` names."""
LEAF: Final = "leaf"
"""A bus of a site, which carries what its hosts say; who they are it asks a coordinator (deploy/leaf)."""

_ANY: Final = "*"
DOORS: Final = "doors"
"""In the audit log: what a door refuses, or lets in."""
_INBOXES: Final = "_INBOX.>"
_SITES_ANSWERS: Final = "_R_.>"
"""Where a server has the answers go that come from another account than the question."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What an identity may publish, and subscribe to. `answers`: beside that, one answer to each request that it is given."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False

    def may_publish(self, subject: str) -> bool:
        return any(covers(pattern, subject) for pattern in self.publish)

    def may_subscribe(self, subject: str) -> bool:
        """`subject` may have wildcards: all that it matches must be allowed."""
        return any(covers(pattern, subject) for pattern in self.subscribe)


def covers(pattern: str, subject: str) -> bool:
    """Whether everything that `subject`, which may be a pattern too, matches is matched by `pattern`."""
    wanted, tokens = pattern.split("."), subject.split(".")
    for place, word in enumerate(wanted):
        if word == ">":
            return len(tokens) > place
        if place >= len(tokens) or tokens[place] == ">" or (word != _ANY and word != tokens[place]):
            return False
    return len(wanted) == len(tokens)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Room:
    """`serves`: its services; `asks`: whether it may ask any other. `reads`, `keys`: streams and buckets that it reads as they grow; `looks_into`:
    streams of which it asks for one message and makes no consumer; `writes`: buckets that it writes. `durables`: consumers by their streams, whose
    names are known. `declares`: whether it makes and changes streams (bus/nats_streams.py).
    """

    asks: bool = True
    declares: bool = False
    serves: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    looks_into: tuple[str, ...] = ()
    durables: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


def _events(*entities: str) -> tuple[str, ...]:
    """Those of every tenant about these."""
    return tuple(subjects.events(f"{entity}.*") for entity in entities)


def _audit(*services: str) -> tuple[str, ...]:
    """Records of changes that these services make, and of what doors refuse, of every tenant."""
    return tuple(subjects.audit(_ANY, f"{service}.{_ANY}") for service in (*services, DOORS))


def _purging(*streams: str) -> tuple[str, ...]:
    return tuple(f"$JS.API.STREAM.PURGE.{stream}" for stream in streams)


def _taking(stream: str, durable: str) -> tuple[str, ...]:
    """From a durable consumer."""
    verbs = (f"$JS.API.CONSUMER.{verb}.{stream}.{durable}" for verb in ("INFO", "CREATE", "MSG.NEXT"))
    return (*verbs, f"$JS.API.CONSUMER.CREATE.{stream}.{durable}.>", f"$JS.ACK.{stream}.{durable}.>")


_ALL_KEYS: Final = (
    *(subjects.KV_AGENTS, subjects.KV_MODELS, subjects.KV_ALIASES, subjects.KV_KEYS, subjects.KV_JOBS, subjects.KV_PLACEMENT),
    *(subjects.KV_STATUS, subjects.KV_DEV_PLANS, subjects.KV_QUOTAS, subjects.KV_USERS, subjects.KV_SIGNING_KEYS),
)
_ALL_SUBMITS: Final = tuple(subjects.submits_of(task_class) for task_class in TaskClass)
_VERBS: Final = subjects.service_verb(_ANY, _ANY)

ROOMS: Final = {
    COORDINATOR: _Room(
        declares=True,
        serves=(
            *(subjects.SERVICE_TASKS, subjects.SERVICE_QUEUE, subjects.SERVICE_STATUS, subjects.SERVICE_AGENTS),
            *(subjects.SERVICE_MAINTENANCE, subjects.SERVICE_KEYS, subjects.SERVICE_JOIN_TOKENS, subjects.SERVICE_MODELS),
            *(subjects.SERVICE_PLACEMENT, subjects.SERVICE_SCHEDULES, subjects.SERVICE_USERS, subjects.SERVICE_SESSIONS),
        ),
        reads=(subjects.TASKS, subjects.OUTCOMES, subjects.OUTPUT),
        looks_into=(subjects.EVENTS, subjects.PROGRESS),
        keys=(*_ALL_KEYS, subjects.KV_UPSTREAMS, subjects.KV_HOSTS),
        writes=(
            *(subjects.KV_AGENTS, subjects.KV_MODELS, subjects.KV_KEYS, subjects.KV_PLACEMENT, subjects.KV_STATUS),
            *(subjects.KV_HOSTS, subjects.KV_USERS, subjects.KV_SIGNING_KEYS),
        ),
        publish=(
            *(subjects.dispatch(_ANY, _ANY), subjects.control(_ANY), subjects.health(_ANY), *_ALL_SUBMITS),
            *_events("task", "agent", "schedule", "join_token", "system"),
            *(subjects.tick(_ANY), subjects.ADMISSION_REPLIES, _SITES_ANSWERS, subjects.CONNECTIONS, subjects.kick(_ANY)),
            *(subjects.SITES_CONNECTIONS, subjects.sites_kick(_ANY)),
            *_purging(subjects.TASKS, subjects.OUTCOMES, subjects.OUTPUT),
        ),
        subscribe=(
            *(subjects.ALL_REPORTS, subjects.ALL_OUTPUT, subjects.ALL_EVENTS, subjects.ALL_HEARTBEATS),
            *(
                subjects.tick(_ANY),
                subjects.DISCONNECTED,
                subjects.SITES_DISCONNECTED,
                subjects.ADMISSIONS,
                subjects.SITES_ADMISSIONS,
            ),
            *(subjects.agents_verb(subjects.SERVICE_AGENTS, verb, _ANY) for verb in ("register", "benchmarked")),
        ),
    ),
    GATEWAY: _Room(
        serves=(subjects.SERVICE_TASKS, subjects.SERVICE_MODELS),
        reads=(subjects.OUTPUT,),
        looks_into=(subjects.TASKS,),
        keys=_ALL_KEYS,
        writes=(subjects.KV_ALIASES, subjects.KV_DEV_PLANS),
        publish=_ALL_SUBMITS,
        subscribe=(subjects.ALL_OUTPUT, subjects.ALL_EVENTS, subjects.ALL_METRICS, subjects.WORKFLOW_NOTICES),
    ),
    WORKFLOW: _Room(
        serves=(
            *(subjects.SERVICE_WORKFLOWS, subjects.SERVICE_EXECUTIONS, subjects.SERVICE_WEBHOOKS),
            *(subjects.SERVICE_CREDENTIALS, subjects.SERVICE_MCP_SERVERS),
        ),
        reads=(subjects.EVENTS, subjects.PROGRESS),
        keys=(subjects.KV_KEYS, subjects.KV_QUOTAS, subjects.KV_USERS),
        publish=(*_ALL_SUBMITS, *_events("workflow", "mcp_server"), subjects.WORKFLOW_NOTICES),
        subscribe=(subjects.ALL_EVENTS, subjects.WORKFLOW_NOTICES),
    ),
    MONITOR: _Room(
        serves=(
            *(subjects.SERVICE_METRICS, subjects.SERVICE_ALERTS, subjects.SERVICE_AUDIT, subjects.SERVICE_USAGE),
            subjects.SERVICE_DOCS,
        ),
        reads=(subjects.EVENTS, subjects.METRICS, subjects.AUDIT),
        durables=((subjects.METRICS, subjects.INFLUX_SINK), (subjects.METRICS, subjects.OTLP_SINK)),
        keys=(subjects.KV_AGENTS, subjects.KV_STATUS, subjects.KV_QUOTAS),
        writes=(subjects.KV_QUOTAS,),
        publish=(*_events("system", "quota"), *_purging(subjects.AUDIT)),
        subscribe=(subjects.ALL_EVENTS, subjects.ALL_METRICS, subjects.ALL_HEARTBEATS, subjects.ALL_VITALS),
    ),
    GUI: _Room(
        reads=(subjects.OUTPUT,),
        keys=(subjects.KV_AGENTS, subjects.KV_STATUS, subjects.KV_KEYS, subjects.KV_USERS),
        subscribe=(
            *(subjects.ALL_OUTPUT, subjects.ALL_EVENTS, subjects.ALL_METRICS, subjects.ALL_HEARTBEATS, subjects.ALL_VITALS),
            subjects.WORKFLOW_NOTICES,
        ),
    ),
    SIDECAR: _Room(
        asks=False,
        serves=(subjects.SERVICE_UPSTREAMS,),
        keys=(subjects.KV_UPSTREAMS, subjects.KV_PLACEMENT),
        writes=(subjects.KV_UPSTREAMS,),
    ),
}


def of_service(name: str) -> Permissions:
    """Of one of ROOMS. Most may ask any service, for they carry the claims of whoever asks them; all may see whether a stream is there."""
    room = ROOMS[name]
    publish = (
        *((_INBOXES, _VERBS) if room.asks else ()),
        *(subjects.vitals(name, _ANY), *room.publish, *_audit(*room.serves)),
        *(subjects.key_of(bucket, ">") for bucket in room.writes),
        *(
            "$JS.API.STREAM.NAMES",
            *(f"$JS.API.STREAM.{action}.*" for action in ("INFO", *(("CREATE", "UPDATE") if room.declares else ()))),
        ),
        *(subject for stream in room.reads for subject in _reading(stream)),
        *(subject for bucket in room.keys for subject in _keys_of(bucket)),
        *(subject for stream in room.looks_into for subject in _looking_into(stream)),
        *(subject for stream, durable in room.durables for subject in _taking(stream, durable)),
    )
    verbs = (subjects.service_verb(service, _ANY) for service in room.serves)
    subscribe = (f"{subjects.inbox(name)}.>", "$SRV.>", *verbs, *room.subscribe)
    if name != SIDECAR:
        return Permissions(publish, subscribe)
    speaks = _agent(_ANY)
    return Permissions((*publish, *speaks.publish), (*subscribe, *speaks.subscribe), answers=True)


def of_host(name: str, agents: Iterable[str]) -> Permissions:
    """Of a host that has joined: its own agents' words and orders, its own inbox, and of the rest what all are told."""
    own = [_agent(agent) for agent in agents]
    placement = f"KV_{subjects.KV_PLACEMENT}"
    wish = subjects.key_of(subjects.KV_PLACEMENT, subjects.WISH_KEY)
    return Permissions(
        publish=(
            *(subject for each in own for subject in each.publish),
            *(
                f"$JS.API.STREAM.INFO.{placement}",
                f"$JS.API.DIRECT.GET.{placement}.{wish}",
                f"$JS.API.STREAM.MSG.GET.{placement}",
            ),
        ),
        subscribe=(f"{subjects.inbox(host_user(name))}.>", *(subject for each in own for subject in each.subscribe)),
        answers=True,
    )


def of_leaf() -> Permissions:
    """What hosts may, whoever they are; and the question who they are, with its answer."""
    some, placement = _agent(_ANY), f"KV_{subjects.KV_PLACEMENT}"
    # As wide as what streams and services listen to: the hive's bus tells a leaf of those only whose whole subject it may publish to.
    heard = (
        subjects.ALL_OUTCOMES,
        subjects.ALL_REPORTS,
        subjects.ALL_OUTPUT,
        *_events("model"),
        subjects.key_of(subjects.KV_JOBS, ">"),
    )
    read = (f"$JS.API.DIRECT.GET.{placement}.>", f"$JS.API.STREAM.MSG.GET.{placement}", f"$JS.API.STREAM.INFO.{placement}")
    told = (*heard, _INBOXES, subjects.SITES_ADMISSIONS, subjects.SITES_DISCONNECTED, *read)
    asked = (subjects.SITES_CONNECTIONS, subjects.sites_kick(_ANY))
    return Permissions((*some.publish, *told), (*some.subscribe, *asked, f"{subjects.inbox('host')}.>", _SITES_ANSWERS))


def host_user(name: str) -> str:
    """What a host is called where users of the bus are shown. No service is called so."""
    return f"host.{name}"


def _agent(agent_id: str) -> Permissions:
    told = (event_type for event_type in EventType if event_type.startswith("model."))
    return Permissions(
        publish=(
            *(subjects.heartbeat(agent_id), subjects.metrics(agent_id)),
            *(
                subjects.outcome(agent_id, _ANY, _ANY),
                subjects.report(agent_id, _ANY, _ANY),
                subjects.output(agent_id, _ANY, _ANY),
            ),
            *(subjects.agents_verb(subjects.SERVICE_AGENTS, verb, agent_id) for verb in ("register", "benchmarked")),
            subjects.key_of(subjects.KV_JOBS, subjects.job_key(agent_id, _ANY)),
            *(subjects.event(subjects.DEFAULT_TENANT, event_type, _ANY) for event_type in told),
        ),
        subscribe=(subjects.dispatch(agent_id, _ANY), subjects.control(agent_id), subjects.health(agent_id)),
    )


def _reading(stream: str) -> tuple[str, ...]:
    """A consumer that the server gives a name to, what keeps its flow going, and single messages.

    Whoever knows the name of somebody's consumer can change what that is given, by a request for one with the name in its body, which no permission
    sees. So nobody may ask for names; and a stream whose messages are work, or that has a consumer with a name known to all, has one reader.
    """
    return (f"$JS.API.CONSUMER.CREATE.{stream}", f"$JS.FC.{stream}.>", *_looking_into(stream))


def _looking_into(stream: str) -> tuple[str, ...]:
    return (f"$JS.API.STREAM.MSG.GET.{stream}",)


def _keys_of(bucket: str) -> tuple[str, ...]:
    return (*_reading(f"KV_{bucket}"), f"$JS.API.DIRECT.GET.KV_{bucket}.>")
