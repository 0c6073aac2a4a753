"""Which offers are taken, and that an answer once given holds."""

from uuid import uuid4

from agent_sidecar.admission import REMEMBERED, Admission, Room
from bus.messages import DispatchOffer, OfferVerdict

FREE, FULL = Room(free_slots=1), Room(free_slots=0)


def offer(**more: object) -> DispatchOffer:
    fields: dict[str, object] = {
        "attempt_id": uuid4(),
        "task_id": uuid4(),
        "tenant": "default",
        "number": 1,
        "epoch": 5,
        "model": "m",
        "prompt": "x",
        "seconds_left": 9,
    }
    return DispatchOffer.model_validate(fields | more)


def test_a_repeated_offer_gets_its_first_answer_and_begins_once() -> None:
    admission, what = Admission(), offer()
    reply, begins = admission.answer(what, FREE)
    assert (reply.verdict, begins) == (OfferVerdict.ACCEPTED, True)
    assert admission.answer(what, FULL) == (reply, False)


def test_busy_is_a_promise() -> None:
    admission, what = Admission(), offer()
    assert admission.answer(what, FULL)[0].verdict is OfferVerdict.BUSY
    reply, begins = admission.answer(what, FREE)
    assert (reply.verdict, begins) == (OfferVerdict.BUSY, False)


def test_a_lower_epoch_is_refused_and_may_be_offered_by_the_leader_of_now() -> None:
    admission, old = Admission(), offer(epoch=4)
    admission.answer(offer(epoch=5), FREE)
    reply, begins = admission.answer(old, FREE)
    assert (reply.verdict, begins) == (OfferVerdict.UNABLE, False)
    again = old.model_copy(update={"epoch": 5})
    assert admission.answer(again, FREE)[1]


def test_what_the_agent_cannot_do_is_refused_with_the_reason() -> None:
    admission = Admission()
    closed = admission.answer(offer(), Room(free_slots=1, closed="draining"))[0]
    lacking = admission.answer(offer(model="llama3"), Room(free_slots=1, has_model=False))[0]
    assert (closed.verdict, closed.reason) == (OfferVerdict.UNABLE, "draining")
    assert (lacking.verdict, lacking.reason) == (OfferVerdict.UNABLE, "does not have llama3")


def test_a_cancelled_attempt_never_begins() -> None:
    admission, what = Admission(), offer()
    admission.forbid(what.attempt_id)
    assert admission.answer(what, FREE) == (admission.answer(what, FREE)[0], False)
    assert admission.answer(what, FREE)[0].verdict is OfferVerdict.UNABLE


def test_an_attempt_is_known_until_its_report_is_acknowledged_however_many_came_after() -> None:
    admission, running = Admission(), offer()
    reply, _ = admission.answer(running, FREE)
    for _ in range(REMEMBERED + 1):
        admission.answer(offer(), FULL)
    assert admission.answer(running, FREE) == (reply, False)
    admission.reported(running.attempt_id)
    assert admission.answer(running, FREE) == (reply, False)
    for _ in range(REMEMBERED):
        admission.answer(offer(), FULL)
    assert not admission.knows(running.attempt_id)


def test_only_so_many_answers_are_kept() -> None:
    admission, first = Admission(), offer()
    admission.answer(first, FULL)
    for _ in range(REMEMBERED):
        admission.answer(offer(), FULL)
    assert not admission.knows(first.attempt_id)
