"""What the model of a part is told."""

from uuid import UUID

import pytest

from bus.quoting import quote
from coordinator.gateway.devtasks.parts import Material, Part, PartKind, SourceFile
from coordinator.gateway.devtasks.planning import CAPABILITIES
from coordinator.gateway.devtasks.wording import INSTRUCTIONS, messages, numbered_diff

FILE = SourceFile(path="src/total.py", content="def total(rows):\n    return sum(rows)\n")
DIFF = """diff --git a/x.py b/x.py
--- a/x.py
+++ b/x.py
@@ -10,3 +10,4 @@ def total():
 kept
-gone
+came
+more
 end
\\ No newline at end of file
--- a/y.py
+++ b/y.py
@@ -1 +1 @@
-old
+new"""


def part(kind: PartKind) -> Part:
    return Part(name=kind.value, kind=kind, instructions="Look at the rounding.")


@pytest.mark.parametrize("kind", PartKind)
def test_a_part_has_all_that_it_needs(kind: PartKind) -> None:
    material = Material(goal="Round up.", files=(FILE,), diff=DIFF)
    code, task_id = part(PartKind.CODE), UUID(int=1)
    system, user = messages(part(kind), material, ((code, task_id),))
    assert (system.role, user.role) == ("system", "user")
    for told in ("Round up.", "src/total.py", "return sum(rows)", "came", quote(task_id), "Look at the rounding."):
        assert told in user.content
    assert kind in INSTRUCTIONS
    assert kind in CAPABILITIES


def test_each_kind_has_a_form_of_its_own() -> None:
    material = Material(goal="Round up.")
    told = {kind: messages(part(kind), material, ())[0].content for kind in PartKind}
    assert "unified diff" in told[PartKind.CODE]
    assert "path:line" in told[PartKind.REVIEW]
    assert "test files" in told[PartKind.TEST]
    assert "Markdown" in told[PartKind.DOCS]


def test_a_reviewer_is_given_the_numbers_of_lines() -> None:
    material = Material(goal="Round up.", files=(FILE,))
    assert "    2     return sum(rows)" in messages(part(PartKind.REVIEW), material, ())[1].content
    assert "    2     return sum(rows)" not in messages(part(PartKind.CODE), material, ())[1].content


def test_lines_of_a_diff_are_numbered_as_in_the_new_file() -> None:
    numbers = {line[6:]: line[:5].strip() for line in numbered_diff(DIFF).splitlines()}
    assert numbers == {
        "diff --git a/x.py b/x.py": "",
        "--- a/x.py": "",
        "+++ b/x.py": "",
        "@@ -10,3 +10,4 @@ def total():": "",
        " kept": "10",
        "-gone": "",
        "+came": "11",
        "+more": "12",
        " end": "13",
        "\\ No newline at end of file": "",
        "--- a/y.py": "",
        "+++ b/y.py": "",
        "@@ -1 +1 @@": "",
        "-old": "",
        "+new": "1",
    }


def test_no_fence_in_a_file_ends_its_block() -> None:
    file = SourceFile(path="README.md", content="````\nx\n````\n")
    assert (
        "\n`````\n````\nx\n````\n`````" in messages(part(PartKind.DOCS), Material(goal="Read.", files=(file,)), ())[1].content
    )
