"""Send Email: a mail for each item, one after the other, each stored as sent before the next one is.

n8n adds a line that names it unless `appendAttribution` says otherwise. Hive never does: a mail has what the workflow's author wrote.
"""

import base64
from collections.abc import Mapping
from email.utils import formataddr, getaddresses
from typing import Any, Final

from workflow.core.effects import Attachment, SendMail
from workflow.core.failure import LimitError, NodeError
from workflow.core.items import Item, paired
from workflow.credentials.needed import chosen
from workflow.expressions.parameters import Parameters
from workflow.nodes import binary
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of

_NEWER: Final = 2
_HTML_BY_DEFAULT: Final = 2.1
"""The version from which a mail whose format nobody chose is HTML."""


def run(call: NodeCall) -> EffectRun:
    made: list[Item] = []
    for index in range(len(call.items)):
        try:
            sent = value_of((yield _mail(call, call.each()[index], index)))
            made.append({"json": sent, "pairedItem": paired(index)})
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    return [made]


def _mail(call: NodeCall, parameters: Parameters, index: int) -> SendMail:
    operation = parameters.get("operation", "send")
    if operation != "send":
        raise NodeError(
            f"The operation {operation!r} is not run here",
            description="Send the mail with the resume URL in it ($execution.resumeUrl), and wait for its call in a Wait node",
        )
    where = "options." if call.node.version >= _NEWER else ""
    text, html = _content(call, parameters)
    senders = addresses(parameters.text("fromEmail"), "fromEmail")
    if len(senders) != 1:
        raise NodeError("The parameter 'fromEmail' must be one address")
    to = addresses(parameters.text("toEmail"), "toEmail")
    cc, bcc = (addresses(parameters.text(f"{where}{name}"), name) for name in ("ccEmail", "bccEmail"))
    if not (to or cc or bcc):
        raise NodeError("The mail is to nobody", description="Write an address in the parameter 'toEmail'")
    return SendMail(
        credentials=chosen(call.node, "smtp"),
        sender=senders[0],
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=addresses(parameters.text("options.replyTo"), "replyTo"),
        subject=_line(parameters.text("subject")),
        text=text,
        html=html,
        attachments=_attachments(call.items[index], parameters.text(f"{where}attachments"), index),
        date_ms=call.now_ms,
        verify_tls=parameters.get("options.allowUnauthorizedCerts") is not True,
    )


def _content(call: NodeCall, parameters: Parameters) -> tuple[str | None, str | None]:
    """Text and HTML. Before version 2 both fields were there, and either could be empty."""
    text, html = parameters.text("text"), parameters.text("html")
    if call.node.version < _NEWER:
        return (text or None if html else text), html or None
    default = "html" if call.node.version >= _HTML_BY_DEFAULT else "text"
    form = parameters.text("emailFormat", default)
    if form not in ("text", "html", "both"):
        raise NodeError(f"The format {form!r} is not known: it is text, html or both")
    return (text if form != "html" else None), (html if form != "text" else None)


def addresses(given: str, name: str) -> list[str]:
    """Of a list with commas. NodeError for what is no address: a line break would begin another line of the mail's head."""
    if not given.strip():
        return []
    if any(letter < " " for letter in given):
        raise NodeError(f"The parameter {name!r} has a line break or another sign that no address has")
    found = getaddresses([given])
    for _, address in found:
        local, at, domain = address.rpartition("@")
        if not (local and at and domain) or " " in address:
            raise NodeError(f"Invalid email address in the parameter {name!r}: {given[:200]!r}")
    return [formataddr(each) for each in found]


def _line(text: str) -> str:
    return " ".join(text.split())


def _attachments(item: Item, names: str, index: int) -> list[Attachment]:
    """Of the binary fields that are named, by comma. LimitError for more than a file may have, all together."""
    found: list[Attachment] = []
    size = 0
    for name in (each.strip() for each in names.split(",")):
        if not name:
            continue
        content, facts = binary.read(item, name, index)
        size += len(content)
        if size > binary.MAX_BYTES:
            raise LimitError(
                f"The attachments have more than {binary.MAX_BYTES:,} bytes. Send a link in their place.", item=index
            )
        found.append(_attachment(content, facts, name))
    return found


def _attachment(content: bytes, facts: Mapping[str, Any], name: str) -> Attachment:
    return Attachment(
        name=_line(str(facts.get("fileName") or name)),
        mime_type=str(facts.get("mimeType") or "application/octet-stream"),
        content=base64.b64encode(content).decode(),
    )


TYPES = (
    NodeType(
        name="n8n-nodes-base.emailSend",
        versions=(1, 2, 2.1),
        run=run,
        effect=True,
        note="No attribution is added; `sendAndWait` is refused; a password goes to a server without TLS only where `disableStartTls` is set",
    ),
)
