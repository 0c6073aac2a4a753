"""Why there, or why not: the choice as a table for people. Pure; the choice is the very one that is made."""

from bus.messages import AgentRow, Explanation
from coordinator.scheduling.choice import SAME_SECONDS, Ask, Candidate, choose, consider
from coordinator.scheduling.fleet import Fleet


def explain(ask: Ask, fleet: Fleet) -> Explanation:
    """The table behind the choice, best first."""
    table = sorted(
        (consider(ask, agent, fleet.clock) for agent in fleet.agents), key=lambda c: (c.unable is not None, *c.order)
    )
    chosen = choose(ask, fleet, fleet.free_places(ask.shape, ask.home))
    return Explanation(
        agents=tuple(_row(candidate) for candidate in table),
        choice=chosen.agent.agent_id if chosen else None,
        reason=_reason(table, chosen),
    )


def _row(candidate: Candidate) -> AgentRow:
    able, model = candidate.unable is None, candidate.model
    return AgentRow(
        agent_id=candidate.agent.agent_id,
        able=able,
        reason=candidate.unable or ("a slot is free" if candidate.free_slots else "all its slots are taken"),
        model=model.name if model else None,
        warm=model is not None and candidate.agent.holds(model),
        free_slots=candidate.free_slots,
        predicted_seconds=round(candidate.seconds, 3) if able else None,
        price=round(candidate.price, 2) if able else None,
    )


def _reason(table: list[Candidate], chosen: Candidate | None) -> str:
    if chosen is not None:
        return _reason_for(table, chosen)
    able = [candidate for candidate in table if candidate.unable is None]
    free = [candidate for candidate in able if candidate.free_slots]
    if free and all(candidate.avoided for candidate in free):
        return f"waits for {able[0].agent.agent_id}, which is busy; {free[0].agent.agent_id}, which is free, failed this task before"
    if free:
        return f"waits for {able[0].agent.agent_id}, which is busy and still predicted to finish it before any that is free"
    if able:
        return "waits: every able agent is busy"
    return "waits: no agent is able" if table else "waits: no agent has registered yet"


def _reason_for(table: list[Candidate], chosen: Candidate) -> str:
    name, seconds = chosen.agent.agent_id, f"{chosen.seconds:.1f} s"
    free = [each for each in table if each.unable is None and each.free_slots and each.seconds < chosen.seconds - SAME_SECONDS]
    if failed := next((each.agent.agent_id for each in free if each.avoided and not chosen.avoided), None):
        return f"{name} would be done in {seconds}; {failed}, which would be sooner, failed this task before"
    if dearer := next((each.agent.agent_id for each in free if each.cost > chosen.cost), None):
        return (
            f"{name} would be done in {seconds}; {dearer}, which would be sooner, is left to others, who lately waited for it"
        )
    return f"{name} is predicted to finish first, in {seconds}"
