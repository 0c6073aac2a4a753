from uuid import UUID, uuid4

from bus.messages import TaskRequest
from bus.messages.work import ChatMessage
from bus.quoting import filled, grows_by, quote, quoted

FIRST, OTHER = UUID("0f8fad5b-d9cb-469f-a165-70867728950e"), uuid4()


def test_only_what_it_depends_on_is_quoted() -> None:
    text = f"{quote(FIRST)} {quote(OTHER)} {{{{output:nothing}}}}"
    request = TaskRequest(prompt=text, depends_on=(FIRST,))
    assert quoted(request) == {FIRST}
    assert quoted(TaskRequest(prompt=text)) == frozenset()
    assert filled(request, {FIRST: "said"}).prompt == f"said {quote(OTHER)} {{{{output:nothing}}}}"


def test_all_texts_of_a_request_may_quote() -> None:
    mark = quote(FIRST)
    prompted = TaskRequest(prompt=mark.upper().replace("OUTPUT", "output"), system=f"You: {mark}", depends_on=(FIRST,))
    found = filled(prompted, {FIRST: "said"})
    assert (found.prompt, found.system) == ("said", "You: said")
    asked = TaskRequest(messages=(ChatMessage(role="user", content=f"{mark}{mark}"),), depends_on=(FIRST,))
    assert quoted(asked) == {FIRST}
    messages = filled(asked, {FIRST: "said"}).messages
    assert messages is not None
    assert messages[0].content == "saidsaid"


def test_how_much_it_grows_is_known_before() -> None:
    mark = quote(FIRST)
    request = TaskRequest(
        prompt=f"{mark} {mark.upper().replace('OUTPUT', 'output')} {quote(OTHER)}", system=mark, depends_on=(FIRST,)
    )
    assert grows_by(request, {FIRST: "said"}) == 12


def test_what_an_output_says_is_no_quote() -> None:
    request = TaskRequest(prompt=f"{quote(FIRST)}", depends_on=(FIRST, OTHER))
    assert filled(request, {FIRST: f"\\1 {quote(OTHER)}", OTHER: "secret"}).prompt == f"\\1 {quote(OTHER)}"
