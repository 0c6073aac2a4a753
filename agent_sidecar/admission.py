"""Whether an offer is taken. Pure, and remembers: an answer once given holds for the attempt."""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from bus.messages import DispatchOffer, OfferReply, OfferVerdict

REMEMBERED = 2000
"""Answers that are kept beside those of attempts not yet reported; an offer is repeated within seconds, or never."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """The agent at the moment of the offer. `closed` says why it takes nothing now; `models` None: not known yet."""

    free_slots: int
    closed: str | None = None
    has_model: bool = True


class Admission:
    """Answers of one agent."""

    def __init__(self) -> None:
        self._answers: OrderedDict[UUID, OfferReply] = OrderedDict()
        self._unreported: dict[UUID, OfferReply] = {}
        self._epoch = 0

    def answer(self, offer: DispatchOffer, room: Room) -> tuple[OfferReply, bool]:
        """The reply, and whether the attempt begins now. A repeated offer gets its first answer and begins nothing.

        `busy` and `unable` promise that the attempt will never run here, so they are remembered too.
        """
        if known := self._unreported.get(offer.attempt_id) or self._answers.get(offer.attempt_id):
            return known, False
        if self.outdated(offer.epoch):
            # Not remembered: the leader of now may offer the attempt that its predecessor committed.
            return _unable(f"epoch {offer.epoch} is over; {self._epoch} leads"), False
        self._epoch = offer.epoch
        reply = judge(offer, room)
        begins = reply.verdict is OfferVerdict.ACCEPTED
        if begins:
            self._unreported[offer.attempt_id] = reply
        else:
            self._remember(offer.attempt_id, reply)
        return reply, begins

    def reported(self, attempt_id: UUID) -> None:
        """Its outcome is acknowledged. Until then no number of other offers makes it forgotten: it would begin again."""
        self._remember(attempt_id, self._unreported.pop(attempt_id))

    def outdated(self, epoch: int) -> bool:
        """Whether a later leader has spoken since."""
        return epoch < self._epoch

    def forbid(self, attempt_id: UUID) -> None:
        """The attempt was cancelled before its offer came: it must not begin when it does."""
        self._remember(attempt_id, _unable("cancelled before it was offered"))

    def knows(self, attempt_id: UUID) -> bool:
        return attempt_id in self._unreported or attempt_id in self._answers

    def _remember(self, attempt_id: UUID, reply: OfferReply) -> None:
        self._answers[attempt_id] = reply
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)


def judge(offer: DispatchOffer, room: Room) -> OfferReply:
    if room.closed is not None:
        return _unable(room.closed)
    if not room.has_model:
        return _unable(f"does not have {offer.model}")
    if room.free_slots < 1:
        return OfferReply(verdict=OfferVerdict.BUSY, reason="every slot is taken")
    return OfferReply(verdict=OfferVerdict.ACCEPTED)


def _unable(reason: str) -> OfferReply:
    return OfferReply(verdict=OfferVerdict.UNABLE, reason=reason)
