// What the page knows. One frame at a time comes from the server; every part of the page reads it here.
import { computed, reactive } from "vue";

export const store = reactive({
  loaded: false,
  online: true,
  lost: null, // when the dashboard's server went
  bus: true,
  coordinator: true,
  listed: false,
  cluster: null,
  agents: {},
  tasks: {},
  minutes: [],
  problems: [],
  answers: {},
  records: {},
  explanations: {},
  failures: {},
  mine: {},
  may: { submit: false, cancel_all: false, requeue: false, prioritize_all: false, view_all: false },
  me: "",
  allowedModels: [],
  filter: "all",
  open: null,
  composed: null,
  sending: false,
  refused: null,
  now: Date.now(),
  menu: false,
  palette: false,
  question: null,
  note: null,
});

let skew = 0;
const early = [];
let emit = (...order) => early.push(order);
setInterval(() => (store.now = Date.now() + skew), 1000);

export const ACTIVE = ["assigned", "running"];
export const WAITING = ["pending", "queued"];
export const ENDED = ["completed", "failed", "cancelled"];

export const agents = computed(() => Object.values(store.agents).sort((a, b) => a.id.localeCompare(b.id)));
export const tasks = computed(() => Object.values(store.tasks).sort((a, b) => b.created_ms - a.created_ms || (a.id < b.id ? 1 : -1)));

// Resolved once the page knows who looks at it: what it asks before would be a nobody's.
let begin;
export const connected = new Promise((resolve) => (begin = resolve));

export function connect(send) {
  emit = send;
  begin();
  for (const order of early.splice(0)) send(...order);
}

// Asks the server for something; the answer comes as a frame, a record or an answer.
export function send(event, payload) {
  emit(event, payload);
}

export function applyFrame(frame) {
  skew = frame.now_ms - Date.now();
  store.now = frame.now_ms;
  if (frame.full) {
    store.agents = {};
    store.tasks = {};
  }
  for (const agent of frame.agents) store.agents[agent.id] = agent;
  for (const id of frame.agents_gone) delete store.agents[id];
  for (const task of frame.tasks) store.tasks[task.id] = task;
  for (const id of frame.tasks_gone) delete store.tasks[id];
  for (const part of ["bus", "coordinator", "listed", "cluster", "minutes", "problems"]) store[part] = frame[part];
  store.loaded = true;
}

// `anew`: what follows is the answer from its beginning. Only the server knows where one telling of it ends and the next begins.
export function applyAnswer({ id, anew, text, thinking, error, record }) {
  if (anew) store.answers[id] = { text: "", thinking: "", error: null };
  const answer = store.answers[id];
  answer.text += text ?? "";
  answer.thinking += thinking ?? "";
  if (error) answer.error = error;
  if (record) store.records[id] = record;
}

// The beginning of a prompt that was sent from this tab names its task here, and goes nowhere else.
export function taskName(task) {
  return task.title || store.mine[task.id] || `Task ${task.id.slice(0, 8)}`;
}

export function openTask(id) {
  store.open = id;
  delete store.failures[id];
  delete store.explanations[id];
  const url = new URL(location.href);
  url.searchParams.set("task", id);
  history.replaceState(history.state, "", url);
  send("open", id);
}

export function closeTask() {
  store.open = null;
  const url = new URL(location.href);
  url.searchParams.delete("task");
  history.replaceState(history.state, "", url);
  send("close", null);
}
