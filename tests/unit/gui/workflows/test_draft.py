"""What a page edits."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bus.messages.workflows import WorkflowRecord
from gui.workflows.draft import Draft, Kept
from gui.workflows.edits import read_edit
from gui.workflows.listing import example_workflow

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(version: int = 1, **more: Any) -> WorkflowRecord:
    document = example_workflow() | more
    return WorkflowRecord(
        id=uuid4(),
        name=document["name"],
        n8n_data=document,
        created_by="ada",
        version=version,
        active=False,
        created_at=NOW,
        updated_at=NOW,
    )


def test_a_draft_is_clean_until_it_is_edited_and_again_when_that_is_undone() -> None:
    draft = Draft(record(), {})
    assert not draft.dirty
    draft.edit(read_edit({"kind": "rename", "old": "Judge", "new": "Verdict"}))
    assert draft.dirty
    assert draft.view()["selected"] == ("Verdict",)
    draft.history = draft.history.undone()
    assert not draft.dirty
    assert draft.view()["redo"] is True


def test_what_a_browser_kept_goes_on_from_its_version() -> None:
    draft = Draft(record(version=3), {})
    draft.resume(Kept(version=2, document=example_workflow() | {"name": "Mine"}))
    assert (draft.version, draft.dirty, draft.name) == (2, True, "Mine")
    assert draft.view()["undo"] is True


def test_a_view_has_everything_that_the_document_has() -> None:
    draft = Draft(record(unheard={"of": 1}), {})
    view = draft.view()
    assert view["document"]["unheard"] == {"of": 1}
    assert [wire["target"] for wire in view["wires"]] == ["Orders", "Judge"]
