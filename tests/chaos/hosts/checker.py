"""What tests/chaos/checker.py decides, and what more is promised where there are workflows and leaders that others cannot see. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tests.chaos.checker import Verdict, judge
from tests.chaos.history import EffectCame, Entry, ExecutionAcknowledged, ExecutionFinal, Final, Offered, of


@dataclass(frozen=True, kw_only=True)
class HostsVerdict:
    """`stale_offers` are no fault by themselves: an old leader may try."""

    tasks: Verdict
    executions: int
    effects: int
    offers: int
    stale_offers: int
    executions_lost: list[str]
    executions_failed: list[str]
    effects_repeated: list[str]
    old_leader_accepted: list[str]

    @property
    def unseen(self) -> list[str]:
        """Of what nothing came, so that nothing about it could have been broken."""
        seen = {
            "acknowledged": self.tasks.acknowledged,
            "executions": self.executions,
            "effects": self.effects,
            "offers": self.offers,
        }
        return [name for name, count in seen.items() if not count]

    @property
    def broken(self) -> dict[str, list[str]]:
        own = {
            "executions_lost": self.executions_lost,
            "executions_failed": self.executions_failed,
            "effects_repeated": self.effects_repeated,
            "old_leader_accepted": self.old_leader_accepted,
        }
        return {**self.tasks.broken, **{name: cases for name, cases in own.items() if cases}}

    def __str__(self) -> str:
        lines = [
            str(self.tasks),
            f"{self.executions} executions acknowledged, {len(self.executions_lost)} lost, {self.effects} effects came, "
            f"{len(self.effects_repeated)} of them after they had been finished; {self.stale_offers} offers of old leaders, "
            f"{len(self.old_leader_accepted)} accepted",
        ]
        lines += [f"  {name}: {cases[:3]}" for name, cases in self.broken.items() if name not in self.tasks.broken]
        return "\n".join(lines)


def judge_hosts(history: Iterable[Entry]) -> HostsVerdict:
    entries = list(history)
    promised = {entry.execution_id for entry in of(entries, ExecutionAcknowledged)}
    ends = {entry.execution_id: entry.status for entry in of(entries, ExecutionFinal)}
    ended = {each for each in promised if ends.get(each) in ("success", "error", "canceled")}
    stale = _stale(of(entries, Offered))
    return HostsVerdict(
        tasks=judge(entries),
        executions=len(promised),
        effects=len(of(entries, EffectCame)),
        offers=len(of(entries, Offered)),
        stale_offers=len(stale),
        executions_lost=[f"{each} ({ends.get(each, 'not asked')})" for each in promised - ended],
        executions_failed=[f"{each} ({ends[each]})" for each in ended if ends[each] != "success"],
        effects_repeated=_repeated(of(entries, EffectCame)),
        old_leader_accepted=_accepted(stale, entries),
    )


def _repeated(effects: list[EffectCame]) -> list[str]:
    """An effect that came after a later one of its execution: that one was built on its stored reply. Each execution is a chain."""
    reached: dict[UUID, tuple[int, int]] = {}
    found = []
    for effect in effects:
        furthest = reached.get(effect.execution_id, effect.place)
        if effect.place < furthest:
            found.append(f"{effect.key} came after {furthest}")
        reached[effect.execution_id] = max(furthest, effect.place)
    return found


def _stale(offers: list[Offered]) -> list[Offered]:
    """Offers of an epoch that is over, which its agent could know: it had been offered something by a later one."""
    latest: defaultdict[str, int] = defaultdict(int)
    found = []
    for offer in offers:
        if offer.epoch < latest[offer.agent_id]:
            found.append(offer)
        latest[offer.agent_id] = max(offer.epoch, latest[offer.agent_id])
    return found


def _accepted(stale: list[Offered], entries: list[Entry]) -> list[str]:
    """Attempts that ran and were offered by nobody but an old leader."""
    others = {(offer.attempt_id, offer.epoch) for offer in of(entries, Offered)} - {
        (offer.attempt_id, offer.epoch) for offer in stale
    }
    legitimate = {attempt_id for attempt_id, _ in others}
    started = {
        attempt.id for final in of(entries, Final) for attempt in final.record.attempts if attempt.started_at is not None
    }
    return [
        f"{offer.attempt_id} of epoch {offer.epoch} on {offer.agent_id}"
        for offer in stale
        if offer.attempt_id in started and offer.attempt_id not in legitimate
    ]
