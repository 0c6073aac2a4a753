"""One model has one context and one time in memory, whatever requests ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sidecar.backends.residence import FORGET_SECONDS, SMALLEST_CONTEXT, Footing, Residence, grown_context, longer
from bus.messages import ModelInfo
from bus.messages.models import FOREVER, ModelWish

MODEL = "llama3.2:3b"


def ask(residence: Residence, now: float = 0.0, *, characters: int = 0, **options: object) -> Footing:
    """A request that begins and ends."""
    found = residence.enter(MODEL, options, characters, now)  # type: ignore[arg-type]
    residence.leave(MODEL, now)
    return found


def test_while_nobody_asks_ollamas_own_settings_hold() -> None:
    assert ask(Residence(), characters=100_000, temperature=1) == Footing()


def test_requests_with_other_contexts_get_the_largest_one_and_never_a_smaller_again() -> None:
    residence = Residence()
    assert [ask(residence, num_ctx=n).num_ctx for n in (4096, 2048, 8000, 4096, 100)] == [4096, 4096, 8192, 8192, 8192]
    assert ask(residence).num_ctx == 8192


def test_a_prompt_that_needs_more_than_is_loaded_raises_it_once_and_it_is_said_why() -> None:
    residence = Residence()
    ask(residence, num_ctx=2048)
    assert ask(residence, characters=9000, num_predict=100).num_ctx == 4096
    [told] = residence.seen((ModelInfo(name=MODEL, loaded=True),), 0)
    assert (told.context_length, told.context_reason) == (4096, "a prompt needed about 3100")


def test_a_prompt_that_does_not_fit_what_its_own_request_asks_for_gets_what_it_needs() -> None:
    residence = Residence()
    ask(residence, num_ctx=2048)
    assert ask(residence, characters=9000, num_ctx=2048).num_ctx == 4096


def test_a_context_grows_no_further_than_the_model_was_made_for() -> None:
    residence = Residence()
    residence.seen((ModelInfo(name=MODEL, context_limit=8192),), 0)
    assert ask(residence, num_ctx=100_000).num_ctx == 8192


def test_what_a_newer_ollama_tells_of_its_load_counts_as_known() -> None:
    residence = Residence()
    residence.seen((ModelInfo(name=MODEL, loaded=True, context_length=4096),), 0)
    assert ask(residence, num_ctx=2048).num_ctx == 4096


def test_the_wish_stands_above_every_request() -> None:
    residence = Residence()
    residence.prefer([ModelWish(model=MODEL, num_ctx=3000, keep_alive="30m")])
    assert ask(residence, num_ctx=32_768, keep_alive=0, characters=50_000) == Footing(num_ctx=3000, keep_alive=1800)
    residence.prefer([])
    assert ask(residence).num_ctx == 3000, "what is loaded stays as it is when the wish goes"


def test_a_request_cannot_send_a_model_away_and_the_longest_stay_counts() -> None:
    residence = Residence()
    assert ask(residence, keep_alive=0).keep_alive is None
    assert ask(residence, keep_alive="30s").keep_alive is None
    assert [ask(residence, keep_alive=k).keep_alive for k in ("1h", "10m", None, -1, "2h")] == [3600, 3600, 3600, -1, -1]


def test_a_model_that_was_unloaded_begins_anew_with_what_is_asked_for_then() -> None:
    residence, gone = Residence(), (ModelInfo(name=MODEL),)
    ask(residence, 10, num_ctx=32_768)
    residence.seen(gone, 11)
    assert ask(residence, 12).num_ctx == 32_768, "a look may be older than the load"
    residence.seen(gone, 12 + FORGET_SECONDS)
    assert ask(residence, 13 + FORGET_SECONDS).num_ctx is None


def test_a_model_that_works_is_not_forgotten() -> None:
    residence = Residence()
    residence.enter(MODEL, {"num_ctx": 4096}, 0, 0)
    residence.seen((ModelInfo(name=MODEL),), 10 * FORGET_SECONDS)
    assert ask(residence, 10 * FORGET_SECONDS).num_ctx == 4096


def test_an_option_of_the_wrong_type_is_left_to_ollama_which_refuses_it() -> None:
    assert ask(Residence(), num_ctx="many", keep_alive="soon") == Footing()


@given(st.lists(st.tuples(st.none() | st.integers(1, 200_000), st.integers(0, 300_000)), max_size=40))
def test_any_requests_in_any_order_reload_a_model_a_few_times_at_most(requests: list[tuple[int | None, int]]) -> None:
    residence = Residence()
    residence.seen((ModelInfo(name=MODEL, loaded=True, context_length=4096, context_limit=131_072),), 0)
    sent = [ask(residence, num_ctx=num_ctx, characters=characters).num_ctx or 0 for num_ctx, characters in requests]
    assert sent == sorted(sent)
    assert len(set(sent) - {4096}) <= 5
    assert all(asked is None or asked <= given or given == 131_072 for (asked, _), given in zip(requests, sent, strict=True))


@pytest.mark.parametrize(
    ("known", "asked", "needed", "limit", "found"),
    [
        (None, None, 9000, None, None),
        (None, 1, 0, None, SMALLEST_CONTEXT),
        (None, 2049, 0, None, 4096),
        (3000, 2999, 0, None, 3000),
        (4096, None, 4097, None, 8192),
        (4096, None, 4097, 5000, 5000),
        (8192, 100_000, 0, 4096, 8192),
    ],
)
def test_how_a_context_grows(known: int | None, asked: int | None, needed: int, limit: int | None, found: int | None) -> None:
    assert grown_context(known, asked, needed, limit) == found


def test_for_ever_is_the_longest() -> None:
    assert longer(None, FOREVER) == FOREVER
    assert longer(FOREVER, 1e9) == FOREVER
    assert longer(3600, 300.0) == 3600
