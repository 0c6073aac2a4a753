// What the command palette finds: pages, agents, models, workflows, tasks, and what a person often does.
import { ask, confirmed, order } from "./asking.js";
import { agents, store, taskName, tasks } from "./store.js";

export const PAGES = [
  ["/", "Overview", "system", () => true],
  ["/tasks", "Tasks", "tasks", () => true],
  ["/agents", "Agents", "server", (may) => may.view_agents],
  ["/models", "Models", "model", (may) => may.view_models],
  ["/playground", "Playground", "send", (may) => may.submit],
  ["/workflows", "Workflows", "flow", (may) => may.view_workflows],
  ["/mcp-servers", "MCP servers", "plug", (may) => may.view_mcp_servers],
  ["/alerts", "Alerts", "alert", (may) => may.view_alerts],
  ["/usage", "Usage", "bars", (may) => may.view_metrics],
  ["/audit", "Audit log", "record", (may) => may.view_audit],
  ["/timeline", "Timeline", "time", () => true],
  ["/users", "Users", "people", (may) => may.manage_users],
  ["/settings", "Settings", "sliders", (may) => may.manage_keys || may.view_agents || may.change_password],
];
// What is done at a place of a page, which the fragment names.
const DEEDS = [
  ["New task", "/#new-task", (may) => may.submit],
  ["Waiting tasks", "/tasks?status=queued", () => true],
  ["Failed tasks", "/tasks?status=failed", () => true],
  ["Pull a model", "/models#pull", (may) => may.manage_models],
  ["New workflow", "/workflows#new-workflow", (may) => may.create_workflows],
  ["Import a workflow", "/workflows#import-workflow", (may) => may.create_workflows],
  ["Add an MCP server", "/mcp-servers#add-server", (may) => may.own_mcp_servers],
  ["New alert rule", "/alerts#new-rule", (may) => may.manage_alerts],
  ["New user", "/users#new-user", (may) => may.manage_users],
  ["Change my password", "/settings#own-password", (may) => may.change_password],
  ["New key", "/settings#new-key", (may) => may.manage_keys],
  ["New join token", "/settings#new-token", (may) => may.manage_agents],
  ["Plan maintenance", "/settings#new-maintenance", (may) => may.manage_agents],
];
const MOST = 12;
const MOST_WORKFLOWS = 6;
const ID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

const press = (selector) => document.querySelector(selector)?.click();

async function drain({ id }) {
  const sure = await confirmed({ title: `Drain ${id}?`, text: "It is given nothing more, and what runs there ends. Resume takes it back.", action: "Drain" });
  if (sure) order("agents.drain", { agent_id: id, reason: "from the dashboard" }, `${id} is given nothing more.`, () => resume({ id }));
}

const resume = ({ id }) => order("agents.resume", { agent_id: id }, `${id} is given work again.`);

const ofAgents = () => agents.value.flatMap((agent) => [
  { kind: "Agent", label: agent.id, go: "/agents/" + agent.id },
  ...(store.may.manage_agents ? [agent.status === "draining" ? { kind: "Action", label: `Resume ${agent.id}`, run: () => resume(agent) } : { kind: "Action", label: `Drain ${agent.id}`, run: () => drain(agent) }] : []),
]);

// An id alone does not tell whose it is.
const byId = (id) => [["Task", "/tasks/", true], ["Workflow", "/workflows/", store.may.view_workflows], ["Execution", "/executions/", store.may.view_workflows]]
  .filter(([, , may]) => may).map(([kind, path]) => ({ kind, label: id, go: path + id }));

// The best for what was typed. Tasks only by what was typed, as there may be very many; `workflows`: those that the engine found.
export function found(typed, workflows) {
  if (ID.test(typed)) return byId(typed);
  const models = [...new Set(agents.value.flatMap((agent) => agent.models.map((model) => model.name)))].sort();
  const all = [
    ...PAGES.filter(([, , , test]) => test(store.may)).map(([go, label]) => ({ kind: "Page", label, go })),
    ...DEEDS.filter(([, , test]) => test(store.may)).map(([label, go]) => ({ kind: "Action", label, go })),
    ...(store.may.view_agents ? ofAgents() : []),
    ...(store.may.view_models ? models : []).map((model) => ({ kind: "Model", label: model, go: "/models?model=" + encodeURIComponent(model) })),
    ...workflows.map(({ id, name }) => ({ kind: "Workflow", label: name, go: "/workflows/" + id })),
    { kind: "Action", label: "Change theme", run: () => press(".hv-header [aria-label^='Theme']") },
    { kind: "Action", label: "Log out", run: () => press(".hv-header [aria-label='Log out']") },
  ];
  if (typed) all.push(...tasks.value.map((task) => ({ kind: "Task", label: taskName(task), also: task.id, go: "/tasks/" + task.id })));
  const fitting = all.filter((item) => item.kind === "Workflow" || `${item.kind} ${item.label} ${item.also ?? ""}`.toLowerCase().includes(typed));
  const begins = (item) => !item.label.toLowerCase().startsWith(typed);
  return fitting.sort((a, b) => begins(a) - begins(b)).slice(0, MOST);
}

// Of the engine, by words of their names; none while it is away: the palette shows the rest.
export async function workflowsLike(typed) {
  if (!store.may.view_workflows || !typed || ID.test(typed)) return [];
  try {
    return (await ask("workflows.list", { search: typed, limit: MOST_WORKFLOWS })).workflows;
  } catch {
    return [];
  }
}

const PATIENCE_MS = 5000;
const PLACES = new Set(DEEDS.map(([, go]) => go.split("#")[1]));

// To what the address's fragment names, once the page has drawn it.
export function goTo(name, until = Date.now() + PATIENCE_MS) {
  if (!PLACES.has(name)) return;
  const place = document.getElementById(name);
  if (!place) {
    if (Date.now() < until) setTimeout(() => goTo(name, until), 100);
    return;
  }
  place.scrollIntoView({ block: "center" });
  const first = place.matches("button, input") ? place : place.querySelector("input, textarea, select, button");
  first?.focus();
}
