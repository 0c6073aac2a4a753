"""The page of a hosted chat. Its script is the same for every chat, so that the policy can name it; what differs stands in `data-`."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from bus.messages.workflows import WebhookReply
from workflow.doors.pages import page
from workflow.n8n.document import Node
from workflow.nodes.values import text_of

_SCRIPT: Final = """
"use strict";
const chat = document.querySelector("main .card"), log = chat.querySelector(".log"), form = chat.querySelector("form");
const said = form.elements.chatInput, files = form.elements.files, key = "hive-chat " + location.pathname;
let session = null;
try { session = localStorage.getItem(key); } catch (error) {}
if (!session) session = [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, "0")).join("");
try { localStorage.setItem(key, session); } catch (error) {}
function show(text, mine) {
  const line = document.createElement("li");
  if (mine) line.className = "mine";
  line.textContent = text;
  log.append(line);
  line.scrollIntoView();
  return line;
}
function words(answer) {
  if (answer && typeof answer === "object") {
    for (const name of ["output", "text", "message", "detail"]) if (name in answer) return words(answer[name]);
    return JSON.stringify(answer);
  }
  return String(answer);
}
function read(text) {
  const pieces = [];
  for (const line of text.trim().split("\\n")) {
    let found;
    try { found = JSON.parse(line); } catch (error) { return text; }
    if (found && (found.type === "item" || found.type === "error")) pieces.push(found.content);
    else if (!found || !["begin", "end"].includes(found.type)) { try { return words(JSON.parse(text)); } catch (error) { return text; } }
  }
  return pieces.join("");
}
async function send(given, uploads) {
  const whole = {...given, sessionId: session};
  if (!uploads.length) {
    const body = JSON.stringify(whole);
    return await fetch(location.pathname, {method: "POST", headers: {"content-type": "application/json"}, body});
  }
  const body = new FormData();
  for (const name in whole) body.append(name, whole[name]);
  for (const file of uploads) body.append("files", file);
  return await fetch(location.pathname, {method: "POST", body});
}
form.addEventListener("submit", async event => {
  event.preventDefault();
  const text = said.value.trim(), uploads = files ? [...files.files] : [];
  if (!text && !uploads.length) return;
  show([text, ...uploads.map(file => file.name)].filter(Boolean).join("\\n"), true);
  form.reset();
  const answer = show("…", false), button = form.querySelector("button");
  button.disabled = true;
  try { answer.textContent = read(await (await send({action: "sendMessage", chatInput: text}, uploads)).text()); }
  catch (error) { answer.textContent = "The chat cannot be reached. Try again."; }
  button.disabled = false;
  said.focus();
});
said.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
});
if (chat.dataset.previous) (async () => {
  try {
    const found = await (await send({action: "loadPreviousSession"}, [])).json();
    for (const each of found.data || []) show(each.kwargs.content, each.id.includes("HumanMessage"));
  } catch (error) {}
})();
"""


def chat_page(node: Node) -> WebhookReply:
    options = node.options
    title = text_of(options.get("title")) or node.name
    subtitle = text_of(options.get("subtitle"))
    first = "".join(f"<li>{escape(line)}</li>" for line in _greetings(node))
    past = ' data-previous="yes"' if options.get("loadPreviousSession") in ("memory", "manually") else ""
    body = (
        f'<div class="card"{past}><h1>{escape(title)}</h1><p class="soft">{escape(subtitle)}</p>'
        f'<ul class="log" role="log" aria-live="polite">{first}</ul>'
        f'<form class="send"><textarea name="chatInput" rows="2" aria-label="Message" placeholder="{_placeholder(options)}"></textarea>'
        f"{_files(options)}<button>Send</button></form></div>"
    )
    return page(title, body, script=_SCRIPT)


def _greetings(node: Node) -> Sequence[str]:
    return [line.strip() for line in text_of(node.parameters.get("initialMessages")).split("\n") if line.strip()]


def _placeholder(options: Any) -> str:
    return escape(text_of(options.get("inputPlaceholder")) or "Write a message")


def _files(options: Any) -> str:
    if options.get("allowFileUploads") is not True:
        return ""
    kinds = str(options.get("allowedFilesMimeTypes") or "*")
    accept = "" if kinds == "*" else f' accept="{escape(kinds)}"'
    return f'<input type="file" name="files" multiple aria-label="Files"{accept}>'
