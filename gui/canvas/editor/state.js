// What the editor's page knows, and its one way to ask the server for something.
import { computed, reactive } from "vue";

export const state = reactive({
  may: { create: false, edit: false, delete: false, execute: false, stop: false },
  readonly: false,
  loaded: false,
  away: null,
  silent: null,
  newer: null,
  failure: null,
  name: "",
  workflow: "",
  version: 0,
  active: false,
  dirty: false,
  undo: false,
  redo: false,
  document: { nodes: [], connections: {} },
  ports: {},
  wires: [],
  problems: [],
  types: [],
  forms: {},
  choices: {},
  baseUrl: "",
  operators: [],
  older: [],
  selected: [],
  execution: null,
  items: null,
  panel: null,
  tab: "parameters",
  executions: null,
  versions: null,
  compared: null,
  conflict: null,
  credentials: null,
  parts: {},
  making: null,
  connecting: null,
  adding: null,
  notice: "",
});

let emit = () => {};
export const connect = (send) => (emit = send);
export const send = (event, payload = null) => emit(event, payload);
export const edit = (payload) => send("edit", payload);

export const editable = computed(() => state.may.edit && !state.readonly);
export const nodes = computed(() => state.document.nodes ?? []);
export const byName = computed(() => Object.fromEntries(nodes.value.map((node) => [node.name, node])));
export const current = computed(() => (state.selected.length === 1 ? (byName.value[state.selected[0]] ?? null) : null));
export const marks = computed(() => state.execution?.marks ?? {});
export const running = computed(() => ["new", "running"].includes(state.execution?.status));

// What differs from n8n for every node of a type is no issue of this one.
const NOTE = "node_note";
const byNode = computed(() => Object.groupBy(state.problems, (problem) => problem.node ?? ""));
const told = (name, note) => (byNode.value[name] ?? []).filter((problem) => (problem.code === NOTE) === note).map((problem) => problem.message);
export const issuesOf = (name) => told(name, false);
export const notesOf = (name) => told(name, true);

export const STATUS = { new: "Starting", running: "Running", waiting: "Waiting", success: "Succeeded", error: "Failed", canceled: "Stopped" };
export const when = (text) => (text ? new Date(text).toLocaleString() : "");
export const took = (each) => (each.started_at && each.completed_at ? `${((new Date(each.completed_at) - new Date(each.started_at)) / 1000).toFixed(1)} s` : "");

export const STICKY = "n8n-nodes-base.stickyNote";
export const shortType = (type) => String(type ?? "").split(".").pop();

const TITLES = new Map();
export function titleOf(type) {
  if (!TITLES.has(type)) {
    const words = shortType(type).replace(/(?<=[a-z0-9])(?=[A-Z])/g, " ");
    TITLES.set(type, state.types.find((each) => each.name === type)?.title ?? words.charAt(0).toUpperCase() + words.slice(1));
  }
  return TITLES.get(type);
}

// As n8n's canvas copies: the nodes, and the connections between them.
export function fragment(names) {
  const wanted = new Set(names);
  const connections = {};
  for (const wire of state.wires) {
    if (!wanted.has(wire.source) || !wanted.has(wire.target)) continue;
    const outputs = ((connections[wire.source] ??= {})[wire.type] ??= []);
    while (outputs.length <= wire.output) outputs.push([]);
    outputs[wire.output].push({ node: wire.target, type: wire.target_type, index: wire.input });
  }
  return { nodes: nodes.value.filter((node) => wanted.has(node.name)), connections };
}

// Of a node that ran; another has nothing to tell.
export function wants(side, more = {}) {
  if (current.value && marks.value[current.value.name]) send("items", { node: current.value.name, side, ...more });
}
