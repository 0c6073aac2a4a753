"""What is asked to see whether a service takes a credential: one GET that changes nothing, and what its answer says. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from bus.messages.credentials import CredentialTest
from workflow.core.effects import CallHttp
from workflow.core.execution import Reply

TRIAL_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """`base`: where the service is unless the credential says so in its field `of`. `{name}` in `path` stands for another field."""

    base: str = ""
    of: str | None = None
    path: str

    def address(self, data: Mapping[str, Any]) -> str | None:
        """None where the credential should name the address and does not."""
        base = (str(data.get(self.of) or "") if self.of else "") or self.base
        named = {name: quote(str(value), safe="") for name, value in data.items() if isinstance(value, str)}
        try:
            return base.rstrip("/") + self.path.format_map(named) if base else None
        except KeyError:
            return None


TRIALS: Final[Mapping[str, Trial]] = {
    "airtableTokenApi": Trial(base="https://api.airtable.com", path="/v0/meta/whoami"),
    "anthropicApi": Trial(base="https://api.anthropic.com", of="url", path="/v1/models"),
    "clickUpApi": Trial(base="https://api.clickup.com", path="/api/v2/user"),
    "cloudflareApi": Trial(base="https://api.cloudflare.com", path="/client/v4/user/tokens/verify"),
    "cohereApi": Trial(base="https://api.cohere.ai", of="url", path="/v1/models"),
    "deepSeekApi": Trial(base="https://api.deepseek.com", of="url", path="/models"),
    "discordBotApi": Trial(base="https://discord.com", path="/api/v10/users/@me"),
    "githubApi": Trial(base="https://api.github.com", of="server", path="/user"),
    "gitlabApi": Trial(base="https://gitlab.com", of="server", path="/api/v4/user"),
    "googlePalmApi": Trial(base="https://generativelanguage.googleapis.com", of="host", path="/v1beta/models"),
    "groqApi": Trial(base="https://api.groq.com/openai/v1", of="url", path="/models"),
    "hubspotAppToken": Trial(base="https://api.hubapi.com", path="/account-info/v3/details"),
    "huggingFaceApi": Trial(base="https://huggingface.co", path="/api/whoami-v2"),
    "jiraSoftwareCloudApi": Trial(of="domain", path="/rest/api/2/myself"),
    "mistralCloudApi": Trial(base="https://api.mistral.ai", path="/v1/models"),
    "notionApi": Trial(base="https://api.notion.com", path="/v1/users/me"),
    "openAiApi": Trial(base="https://api.openai.com/v1", of="url", path="/models"),
    "openRouterApi": Trial(base="https://openrouter.ai/api/v1", of="url", path="/key"),
    "pipedriveApi": Trial(base="https://api.pipedrive.com", path="/v1/users/me"),
    "qdrantApi": Trial(of="qdrantUrl", path="/collections"),
    "sendGridApi": Trial(base="https://api.sendgrid.com", path="/v3/scopes"),
    "slackApi": Trial(base="https://slack.com", path="/api/auth.test"),
    "stripeApi": Trial(base="https://api.stripe.com", path="/v1/balance"),
    "todoistApi": Trial(base="https://api.todoist.com", path="/api/v1/projects"),
    "twilioApi": Trial(base="https://api.twilio.com", path="/2010-04-01/Accounts/{accountSid}.json"),
    "wordpressApi": Trial(of="url", path="/wp-json/wp/v2/users/me"),
    "xAiApi": Trial(base="https://api.x.ai", path="/v1/models"),
}
"""By type. Types of no service have no address of their own: whoever tries one names it."""


def address_of(kind: str, data: Mapping[str, Any]) -> str | None:
    return TRIALS[kind].address(data) if kind in TRIALS else None


def question(url: str, key: str) -> CallHttp:
    """Redirects are not followed: whoever leads elsewhere has not said whether it takes the credential."""
    return CallHttp(method="GET", url=url, follow_redirects=False, timeout_seconds=TRIAL_SECONDS, key=key)


def judged(reply: Reply) -> CredentialTest:
    """Of the answer nothing but its status is told: it may hold what is somebody's."""
    if reply.failure is not None:
        return CredentialTest(ok=False, tried=True, message=reply.failure.message)
    status = int(reply.value["status"])
    if status in (401, 403) or _refused_by_body(reply.value):
        return CredentialTest(ok=False, tried=True, message=f"The service does not take it: it answered with status {status}.")
    if status >= 300:
        message = f"The service answered with status {status}, which does not say whether it takes the credential."
        return CredentialTest(ok=False, tried=True, message=message)
    return CredentialTest(ok=True, tried=True, message=f"The service answered with status {status}.")


def _refused_by_body(answer: Mapping[str, Any]) -> bool:
    """Slack says so with status 200."""
    try:
        found = json.loads(answer.get("body") or "null")
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("ok") is False
