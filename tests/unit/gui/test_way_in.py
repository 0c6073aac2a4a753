"""Where a login leads."""

import pytest

from gui.pages.way_in import wanted


@pytest.mark.parametrize("path", ["/", "/tasks/0a1b", "/tasks?status=failed&agent_id=a%26b", "/agents/walnut"])
def test_to_the_page_that_was_wanted(path: str) -> None:
    assert wanted(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tasks",
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/a\nb",
        "/login?next=/",
    ],
)
def test_to_no_other_site_and_not_in_a_circle(path: str) -> None:
    assert wanted(path) == "/"
