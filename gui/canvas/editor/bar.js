// Above the canvas: which workflow this is, whether it is saved, and what can be done with all of it.
import { download } from "./download.js";
import Line from "./line.js";
import { edit, editable, running, send, state, STATUS, took, when } from "./state.js";

export default {
  components: { Line },
  emits: ["toggle"],
  setup: () => ({ state, STATUS }),
  computed: {
    editable: () => editable.value,
    running: () => running.value,
    execution: () => state.execution,
    stoppable: () => state.may.stop && ["new", "running", "waiting"].includes(state.execution?.status),
    facts() {
      const { mode, started_at: started, created_by: by } = this.execution ?? {};
      return mode ? [mode, by && `by ${by}`, when(started), took(this.execution)].filter(Boolean).join(" · ") : "";
    },
    saved() {
      if (!state.loaded) return "";
      return state.dirty ? "Not saved" : `Version ${state.version}`;
    },
  },
  methods: {
    send,
    rename(text, back) {
      const name = text.trim();
      if (name.length >= 3 && name !== state.name) edit({ kind: "title", name });
      else back();
    },
    open(panel) {
      state.panel = state.panel === panel ? null : panel;
      if (panel === "executions" && state.panel) send("executions");
      if (panel === "versions" && state.panel) send("versions");
    },
    give() {
      download(state.name, state.document);
    },
    leave() {
      state.execution = state.items = null;
      send("leave");
    },
  },
  template: `
    <div class="hvc-bar" role="toolbar" aria-label="Workflow">
      <a class="hv-text" :href="state.readonly && state.workflow ? '/workflows/' + state.workflow : '/workflows'">{{ state.readonly && state.workflow ? "‹ Workflow" : "‹ Workflows" }}</a>
      <h1 v-if="!editable" class="hvc-name-fixed hv-clip">{{ state.name }}</h1>
      <h1 v-if="editable" class="hv-hidden">{{ state.name }}</h1>
      <Line v-if="editable" class="hvc-title hvc-workflow" aria-label="Name of the workflow" :value="state.name" maxlength="255" @change="rename" @keydown.enter="$event.target.blur()"/>
      <span v-if="!state.readonly" class="hv-small hvc-saved" :class="{ dirty: state.dirty }" role="status">{{ saved }}</span>
      <span v-else class="hv-small hv-muted">version {{ state.version }}</span>
      <span v-if="execution" class="hvc-run" :data-status="execution.status" role="status"><i aria-hidden="true"></i>{{ STATUS[execution.status] }}<a v-if="!state.readonly" class="hv-text" :href="'/executions/' + execution.id">Open</a><button v-if="!state.readonly && !running" type="button" class="hv-text" aria-label="Put the execution away" @click="leave">×</button></span>
      <span v-if="state.readonly && facts" class="hv-small hv-muted">{{ facts }}</span>
      <span class="hv-space"></span>
      <template v-if="editable">
        <button type="button" class="hv-ghost hv-square" aria-label="Undo" title="Undo (Ctrl+Z)" :disabled="!state.undo" @click="send('undo')">↶</button>
        <button type="button" class="hv-ghost hv-square" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" :disabled="!state.redo" @click="send('redo')">↷</button>
        <button type="button" class="hv-quiet" title="Add a node (N)" :aria-pressed="state.panel === 'palette'" @click="open('palette')">+ Add node</button>
      </template>
      <template v-if="!state.readonly">
        <button type="button" class="hv-quiet" :aria-pressed="state.panel === 'executions'" @click="open('executions')">Executions</button>
        <button type="button" class="hv-quiet" :aria-pressed="state.panel === 'versions'" @click="open('versions')">Versions</button>
      </template>
      <button v-if="!state.readonly" type="button" class="hv-quiet" title="Download it as n8n’s JSON, as it is on the canvas" :disabled="!state.loaded" @click="give">Export</button>
      <label v-if="editable" class="hvc-switch" title="Its webhooks are open and its schedules fire"><input type="checkbox" role="switch" :checked="state.active" @click.prevent="send('activate', !state.active)"><span>Active</span></label>
      <span v-else-if="!state.readonly" class="hv-tag">{{ state.active ? "active" : "inactive" }}</span>
      <button v-if="editable" type="button" class="hv-quiet" title="Save (Ctrl+S)" :disabled="!state.dirty" @click="send('save')">Save</button>
      <button v-if="stoppable" type="button" class="hv-quiet hv-danger" @click="send('stop')">Stop</button>
      <button v-if="state.may.execute && !state.readonly" type="button" class="hv-primary" title="Execute workflow (Ctrl+Enter)" :disabled="running || !state.loaded" @click="send('run', null)">Execute workflow</button>
      <button v-if="state.readonly && state.may.execute && execution?.status === 'error'" type="button" class="hv-primary" @click="send('retry', null)">Try again</button>
    </div>`,
};
