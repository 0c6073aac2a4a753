"""Whether a host may join by a token, and as whom. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bus.errors import JoinTokenExpired, JoinTokenRevoked, JoinTokenUsedUp, NameTaken
from bus.messages.joining import AdmittedHost, JoinTokenRecord, JoinTokenState


@dataclass(frozen=True, slots=True)
class KnownHost:
    """One that has joined: what it is known again by, its name, the token of its last join, and its agents with names of their own."""

    key: str
    name: str
    token_id: UUID
    agents: tuple[str, ...] = ()


def state_of(
    *, uses: int, uses_allowed: int, expires_at: datetime, revoked_at: datetime | None, now: datetime
) -> JoinTokenState:
    if revoked_at is not None:
        return JoinTokenState.REVOKED
    if expires_at <= now:
        return JoinTokenState.EXPIRED
    return JoinTokenState.ACTIVE if uses < uses_allowed else JoinTokenState.USED_UP


def joins_again(token: JoinTokenRecord, key: str, alike: Collection[KnownHost]) -> bool:
    """The same host by the same token: its answer was lost, or somebody typed the command twice. That costs no other use."""
    return any(host.key == key and host.token_id == token.id for host in alike)


def require_open(token: JoinTokenRecord, *, again: bool) -> None:
    """JoinTokenRevoked, JoinTokenExpired, JoinTokenUsedUp."""
    make_another = "Make another on the hive's machine: hive join-token create"
    if token.state is JoinTokenState.REVOKED:
        raise JoinTokenRevoked(f"This join token was revoked. {make_another}")
    if token.state is JoinTokenState.EXPIRED:
        raise JoinTokenExpired(f"This join token expired at {token.expires_at:%Y-%m-%d %H:%M} UTC. {make_another}")
    if token.state is JoinTokenState.USED_UP and not again:
        hosts = f", by {', '.join(token.hosts)}" if token.hosts else ""
        raise JoinTokenUsedUp(f"This join token was used as often as it may be ({token.uses}){hosts}. {make_another}")


def require_free_name(name: str, key: str, known: Collection[KnownHost], *, present: bool) -> None:
    """NameTaken where another host has the name, or (`present`) an agent that is there and belongs to no host that joined."""
    if any(host.name == name and host.key != key for host in known):
        raise NameTaken(
            f"Another host has joined as {name}. Choose another name with --name. If it is the same machine, set up anew, free the "
            f"name on the hive's machine first: hive agents remove {name}"
        )
    if any(name in host.agents and host.key != key for host in known):
        raise NameTaken(f"Another host has an agent called {name}. Choose another name with --name.")
    if present and not any(host.key == key and host.name == name for host in known):
        raise NameTaken(f"An agent called {name} is here already. Choose another name with --name, or stop that one first.")


def require_free_agents(agents: Collection[str], key: str, known: Collection[KnownHost], present: Collection[str]) -> None:
    """NameTaken where an agent is another host's, could be called after it, or is here already and this host's not."""
    mine = [host for host in known if host.key == key]
    for agent in agents:
        owner = next(
            (host.name for host in known if host.key != key and (agent in host.agents or _after(agent, host.name))), None
        )
        if owner is None and agent in present and not any(agent in host.agents for host in mine):
            owner = "an agent that is here already"
        if owner is not None:
            raise NameTaken(f"The name {agent} belongs to {owner}. Give the backend another: --backend NAME=URL")


def agents_of(host: AdmittedHost, asked: Iterable[str], hosts: Collection[AdmittedHost]) -> tuple[str, ...]:
    """As whom a host may speak of what it asks for: its own name, what is called after it and after no other, and what it joined with."""
    others = [other for other in hosts if other.name != host.name]

    def is_its_own(agent: str) -> bool:
        if agent in host.agents:
            return True
        nearer = (other for other in others if _after(agent, other.name) and len(other.name) > len(host.name))
        return _after(agent, host.name) and not any(nearer) and not any(agent in other.agents for other in others)

    return (host.name, *(agent for agent in dict.fromkeys(asked) if agent != host.name and is_its_own(agent)))


def is_removed(agent: str, removed: Iterable[AdmittedHost], known: Iterable[AdmittedHost]) -> bool:
    """Whether it was of a host that was removed, and is of none that is known."""
    return any(_speaks_for(host, agent) for host in removed) and not any(_speaks_for(host, agent) for host in known)


def _speaks_for(host: AdmittedHost, agent: str) -> bool:
    return agent in host.agents or _after(agent, host.name)


def _after(agent: str, host: str) -> bool:
    return agent == host or agent.startswith(f"{host}-")
