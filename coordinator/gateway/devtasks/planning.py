"""How a goal is split into parts, by what the hive's agents offer now. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final

from bus.auth import allows_model
from bus.errors import InvalidRequest, PayloadTooLarge
from bus.messages import AgentRecord, AgentStatus, Claims, ModelInfo, Requirements
from bus.messages.work import CHARACTERS_A_TOKEN
from coordinator.gateway.devtasks.parts import MAX_CHARACTERS, MAX_PARTS, Material, Part, PartKind
from coordinator.gateway.devtasks.wording import INSTRUCTIONS

CAPABILITIES: Final[Mapping[PartKind, tuple[str, ...]]] = {
    PartKind.CODE: ("code", "coding", "code_generation", "programming"),
    PartKind.REVIEW: ("review", "code_review", "code_analysis"),
    PartKind.TEST: ("test", "testing", "tests"),
    PartKind.DOCS: ("docs", "documentation", "writing"),
    PartKind.OTHER: (),
}
"""By which names owners declare them; the first that somebody offers is asked for."""
NEARLY: Final = 0.8
"""Of the best agent's proficiency: those that are nearly as good may have the part too, and the best one's bad hour does not keep it waiting."""
ROOM: Final = 0.75
"""Of a model's context, for the material; the rest is for what other parts said, and for the answer."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An agent that takes work, with the models on it that the key may use."""

    agent_id: str
    proficiency: Mapping[str, float]
    models: tuple[ModelInfo, ...]


def offers(agents: Sequence[AgentRecord], claims: Claims) -> list[Offer]:
    found = []
    for agent in agents:
        models = tuple(model for model in agent.models if allows_model(claims, model.name))
        if agent.status in (AgentStatus.ONLINE, AgentStatus.DEGRADED) and models:
            effective = {each.name: each.effective for each in agent.merits.capabilities}
            declared = {each.name: each.proficiency for each in agent.capabilities}
            found.append(Offer(agent.agent_id, declared | effective, models))
    return found


def planned(material: Material, wanted: Sequence[PartKind], there: Sequence[Offer], claims: Claims) -> tuple[Part, ...]:
    """`wanted` empty: with a diff the change is made already, so it is reviewed, tested and described; else it is written first."""
    written = () if material.diff is not None else (PartKind.CODE,)
    kinds = tuple(dict.fromkeys(wanted)) or (*written, PartKind.REVIEW, PartKind.TEST, PartKind.DOCS)
    return tuple(_part(kind, kinds, material, there, claims) for kind in kinds)


def notes_of(there: Sequence[Offer]) -> tuple[str, ...]:
    return () if there else ("No agent takes work just now (list_agents tells why): the parts wait until one does.",)


def _part(kind: PartKind, kinds: Sequence[PartKind], material: Material, there: Sequence[Offer], claims: Claims) -> Part:
    capability, notes = _capability(kind, there)
    able = [offer for offer in there if capability is None or offer.proficiency.get(capability, 0) > 0]
    least = {}
    if capability is not None:
        best = max(offer.proficiency[capability] for offer in able)
        least = {capability: min(best, round(NEARLY * best, 2))}
        able = [offer for offer in able if offer.proficiency[capability] >= least[capability]]
    model = _named(able, claims)
    made_from = (PartKind.CODE.value,) if PartKind.CODE in kinds and kind is not PartKind.CODE else ()
    return Part(
        name=kind.value,
        kind=kind,
        instructions=INSTRUCTIONS[kind],
        depends_on=made_from,
        require=Requirements(capabilities=least),
        model=model,
        notes=(*notes, *_too_long(material, able, model)),
    )


def _capability(kind: PartKind, there: Sequence[Offer]) -> tuple[str | None, tuple[str, ...]]:
    """What to ask for: the kind's own, else to be good at code, else nothing; and what to say of that."""
    own = CAPABILITIES[kind]
    offered = {name for offer in there for name, proficiency in offer.proficiency.items() if proficiency > 0}
    found = next((name for name in (*own, *CAPABILITIES[PartKind.CODE]) if own and name in offered), None)
    if found in own or not own or not there:
        return found, ()
    lacks = f"No agent that takes work offers {' or '.join(own)}"
    if found is not None:
        return found, (f"{lacks}, so this asks for {found}. Declare it among the `capabilities` of a host, or name a model.",)
    return None, (f"{lacks}, so any agent may do this. Declare it among the `capabilities` of a host, or name a model.",)


def _named(able: Sequence[Offer], claims: Claims) -> str | None:
    """A key that may use certain models only must name one: a loaded one, where there is one."""
    if not claims.models:
        return None
    models = [model for offer in able for model in offer.models]
    return next((model.name for model in sorted(models, key=lambda model: not model.loaded)), claims.models[0])


def _too_long(material: Material, able: Sequence[Offer], model: str | None) -> Iterator[str]:
    limits = [
        each.context_limit
        for offer in able
        for each in offer.models
        if each.context_limit is not None and model in (None, each.name)
    ]
    tokens = material.characters // CHARACTERS_A_TOKEN
    if limits and tokens > ROOM * max(limits):
        yield (
            f"The files and the diff have about {tokens:,} tokens, and the models that this may go to read {max(limits):,} at most, "
            "with what they write. Leave out what does not matter, or ask for a model that reads more."
        )


def require_bounds(material: Material) -> None:
    """PayloadTooLarge."""
    if material.characters > MAX_CHARACTERS:
        raise PayloadTooLarge(
            f"`files` and `diff` have {material.characters:,} characters together, and {MAX_CHARACTERS:,} are the most. "
            "Send the files that matter, or split the work into several dev tasks."
        )


def in_order(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Each after those that it depends on. InvalidRequest, naming the part, for a plan that cannot be run."""
    if not 1 <= len(parts) <= MAX_PARTS:
        raise InvalidRequest(f"`parts`: a dev task has 1 to {MAX_PARTS}; these are {len(parts)}. Merge some, or plan two.")
    by_name = {part.name: part for part in parts}
    if len(by_name) < len(parts):
        raise InvalidRequest("`parts`: two of them have the same name. Give each its own.")
    for part in parts:
        for other in part.depends_on:
            if other not in by_name:
                raise InvalidRequest(
                    f"`parts`: {part.name!r} depends on {other!r}, which is not in the plan. There are: {', '.join(by_name)}."
                )
    try:
        order = TopologicalSorter({part.name: part.depends_on for part in parts}).static_order()
        return tuple(by_name[name] for name in order)
    except CycleError as error:
        around = " → ".join(error.args[1])
        raise InvalidRequest(f"`parts`: they wait for each other in a circle ({around}). Take one `depends_on` out.") from None


def require_somebody(parts: Sequence[Part], agents: Collection[AgentRecord]) -> None:
    """InvalidRequest for a part that no agent, online or not, was declared able to do: it would wait for ever."""
    for part in parts:
        wanted = part.require.capabilities
        if wanted and not any(_has(agent, wanted) for agent in agents):
            offered = sorted({f"{each.name} {each.proficiency:g}" for agent in agents for each in agent.capabilities})
            asked = ", ".join(f"{name} of at least {least:g}" for name, least in wanted.items())
            raise InvalidRequest(
                f"`parts`: {part.name!r} asks for {asked}, which no agent offers. Take it out of `require`, or ask for less. "
                f"Offered: {', '.join(offered) or 'nothing'}."
            )


def _has(agent: AgentRecord, wanted: Mapping[str, float]) -> bool:
    declared = {each.name: each.proficiency for each in agent.capabilities}
    return all(declared.get(name, -1.0) >= least for name, least in wanted.items())
