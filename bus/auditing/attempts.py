"""Secrets that were wrong, as the audit log has them: what the guard of a door tells (bus/guarding)."""

from bus import auth
from bus.auditing.auditor import Auditor
from bus.errors import Unauthenticated
from bus.guarding.guard import Attempt


async def told_attempt(auditor: Auditor, attempt: Attempt) -> None:
    """The account only where it is a user's name: the address of a webhook is a secret."""
    claims = auth.NOBODY.model_copy(update={"address": attempt.address})
    why = Unauthenticated(f"A secret was wrong: failure {attempt.failures} of this address here.")
    await auditor.refused(f"doors.{attempt.door}", claims, why, attempt.account if attempt.door == "login" else None)
