"""What is wrong with a body, said so that its sender can mend it."""

import pytest

from bus.codec import decode
from bus.errors import HiveError
from bus.messages import TaskRequest


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"prompt": ""}', "`prompt` is empty; fill it, or leave it out."),
        ('{"prompt": "x", "model": ""}', "`model` is empty; fill it, or leave it out."),
        ('{"messages": []}', "`messages` is empty; fill it, or leave it out."),
        (
            '{"messages": [{"role": "alien"}]}',
            "`messages.0.role`: Input should be 'system', 'user', 'assistant' or 'tool'.",
        ),
        (
            '{"prompt": "x", "not_before": "tomorrow"}',
            "`not_before` is no time with its zone; write it such as 2027-01-31T18:00:00Z.",
        ),
        (
            '{"prompt": "x", "not_before": "2027-01-31T18:00:00"}',
            "`not_before` is no time with its zone; write it such as 2027-01-31T18:00:00Z.",
        ),
        ('{"prompt": "x", "priority": true}', "`priority`: it is 1 (first) to 5, or high, medium, low."),
        ('{"prompt": "x", "priority": "urgent"}', "`priority`: it is 1 (first) to 5, or high, medium, low."),
        ('{"prompt": "x", "modle": "y"}', "`modle` is not a field that Hive knows; check its spelling or leave it out."),
        ("{}", "give either `prompt` or `messages`, and not both."),
    ],
)
def test_what_is_wrong_is_said_in_words(body: str, said: str) -> None:
    with pytest.raises(HiveError) as refusal:
        decode(TaskRequest, body.encode())
    assert refusal.value.message == said


@pytest.mark.parametrize("written", ['"high"', "1", '"1"'])
def test_a_priority_may_be_written_as_a_word(written: str) -> None:
    assert decode(TaskRequest, f'{{"prompt": "x", "priority": {written}}}'.encode()).priority == 1
