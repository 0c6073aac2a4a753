// The editor's page: what the server tells is put into one state, and its parts show that.
import { markRaw } from "vue";
import { Bar, byName, Canvas, connect, Dialogs, edit, Lists, Credential, Palette, Panel, previewed, send, state, wants } from "hive-editor";

const RETRY_MS = 2000;
const PULSE_MS = 10000;
const NOTICE_MS = 4000;
const FAILED = "execution_failed";

export default {
  components: { Bar, Canvas, Dialogs, Lists, Credential, Palette, Panel },
  props: { may: Object, draftKey: String, execution: String },
  emits: ["ready", "edit", "undo", "redo", "save", "settle", "discard", "activate", "run", "stop", "retry", "items", "pin", "executions", "execution", "leave", "versions", "compare", "restore", "credentials", "credential", "change_credential", "delete_credential", "try_credential", "connect", "preview", "pulse", "form", "choices"],
  setup: () => ({ state }),
  data: () => ({ resumed: false }),
  computed: {
    empty() {
      return state.loaded && !state.document.nodes?.length;
    },
    gone: () => state.silent?.code === "workflow_not_found",
    // The node that the execution failed at, while its failure is told.
    failed() {
      if (state.failure?.code !== FAILED) return null;
      const at = Object.entries(state.execution?.marks ?? {}).filter(([name, mark]) => mark.status === "error" && byName.value[name]);
      return at.at(-1)?.[0] ?? null;
    },
    panel() {
      return state.panel === "node" && state.selected.length === 1 && byName.value[state.selected[0]] ? "node" : state.panel === "node" ? null : state.panel;
    },
  },
  mounted() {
    Object.assign(state, { may: this.may, readonly: Boolean(this.execution) });
    connect((event, payload) => this.$emit(event, payload));
    // Once: what is asked before the connection is there would be sent by it, and asked again for it.
    setTimeout(() => {
      window.socket.on("connect", this.ask);
      if (window.socket.connected) this.ask();
    });
    if (!this.execution) this.beat = setInterval(() => document.hidden || !state.loaded || this.$emit("pulse"), PULSE_MS);
  },
  unmounted() {
    clearInterval(this.beat);
  },
  methods: {
    // Until the first view has come: the engine may be away.
    ask() {
      clearTimeout(this.timer);
      const kept = state.loaded ? null : this.kept();
      this.resumed ||= Boolean(kept);
      this.$emit("ready", kept);
      this.timer = setTimeout(() => !state.loaded && this.ask(), RETRY_MS);
    },
    kept() {
      try {
        return this.draftKey ? JSON.parse(localStorage.getItem(this.draftKey)) : null;
      } catch {
        return null;
      }
    },
    tell(word, about) {
      this[`on_${word}`]?.(about);
    },
    on_types({ types, base_url: base, operators, older }) {
      Object.assign(state, { operators: markRaw(operators), older: markRaw(older) });
      state.baseUrl = base ?? "";
      state.types = markRaw(types);
    },
    on_view(view) {
      const first = !state.loaded;
      const { selected, ...rest } = view;
      // Replaced as a whole with each view, so that nothing within needs to be watched.
      for (const part of ["document", "ports", "wires", "problems"]) if (rest[part]) markRaw(rest[part]);
      Object.assign(state, rest, { loaded: true, away: null });
      if (state.newer?.version <= state.version) state.newer = null;
      document.title = `${view.name} · Hive`;
      this.keep();
      if (first && this.resumed && state.dirty) state.notice = "These are changes that were not saved before.";
      if (first) this.$nextTick(() => this.$refs.canvas?.fit());
      if (selected?.length) setTimeout(() => this.$refs.canvas?.select([...selected]), 40);
      else state.selected = state.selected.filter((name) => byName.value[name]);
    },
    // A draft outlives this tab, its server and its computer's sleep.
    keep() {
      if (!this.draftKey || state.readonly) return;
      if (state.dirty) localStorage.setItem(this.draftKey, JSON.stringify({ version: state.version, document: state.document }));
      else localStorage.removeItem(this.draftKey);
    },
    on_failed(failure) {
      if (state.loaded) state.failure = failure;
      else state.away = failure;
    },
    on_silent(failure) {
      state.silent = failure;
    },
    on_newest(newest) {
      state.silent = null;
      state.newer = newest.version > state.version ? newest : null;
    },
    on_saved({ version }) {
      const told = `Saved as version ${version}`;
      state.notice = told;
      setTimeout(() => state.notice === told && (state.notice = ""), NOTICE_MS);
      state.failure = null;
      if (state.panel === "versions") send("versions");
    },
    on_conflict(conflict) {
      state.conflict = conflict;
    },
    on_execution(record) {
      state.execution = { ...record, marks: { ...(record.status === "new" ? {} : state.execution?.id === record.id ? state.execution.marks : {}), ...record.marks } };
      state.failure = record.status === "error" ? { code: FAILED, message: record.error_message ?? "It failed." } : null;
      if (["input", "output"].includes(state.tab)) wants(state.tab);
    },
    on_execution_gone(failure) {
      state.failure = failure;
    },
    on_mark({ id, node, mark }) {
      if (state.execution?.id !== id) return;
      state.execution.marks[node] = { items: [], ...mark };
      if (state.execution.status === "new") state.execution.status = "running";
    },
    on_told() {
      if (state.panel === "executions") send("executions");
    },
    on_left() {
      state.execution = null;
    },
    on_items(page) {
      state.items = markRaw(page);
    },
    on_executions({ executions, next_cursor, more }) {
      const before = more ? (state.executions?.list ?? []) : [];
      state.executions = { list: [...before, ...executions], next: next_cursor };
    },
    on_versions({ versions }) {
      state.versions = versions;
    },
    on_compared(compared) {
      state.compared = compared;
    },
    on_credentials({ credentials, parts }) {
      state.credentials = markRaw(credentials);
      state.parts = markRaw(parts);
    },
    on_credential_made(made) {
      state.making = null;
      const node = byName.value[state.selected[0]];
      if (node) edit({ kind: "change", name: node.name, fields: { credentials: { ...node.credentials, [made.type]: { id: made.id, name: made.name } } } });
    },
    on_credential_refused(failure) {
      if (state.making) state.making.failure = failure;
    },
    on_credential_gone() {
      state.making = null;
      state.notice = "The credential was deleted";
    },
    on_credential_tried(found) {
      if (state.making?.found?.id === found.id) state.making.tried = found;
    },
    on_connect(found) {
      state.connecting = found;
    },
    on_form({ type, fields }) {
      state.forms[type] = fields === null ? null : markRaw(fields);
    },
    on_choices({ of, choices }) {
      state.choices[of] = markRaw(choices);
    },
    on_previews(found) {
      previewed(found);
    },
    on_go({ to }) {
      location.href = to;
    },
    add(type) {
      this.$refs.canvas.add(type);
    },
    arrange() {
      edit({ kind: "arrange" });
      setTimeout(() => this.$refs.canvas.fit(), 300);
    },
    // What the engine has now; the draft that was there can be had by undo.
    take() {
      send("discard");
    },
    discard() {
      state.notice = "";
      send("discard");
    },
    show(name) {
      this.$refs.canvas.select([name]);
      Object.assign(state, { panel: "node", tab: "input", items: null });
      wants("input");
    },
    start() {
      state.panel = "palette";
    },
    closePanel() {
      state.panel = null;
    },
    hush() {
      state.notice = "";
      state.failure = null;
    },
  },
  template: `
    <div class="hvc" :class="{ readonly: state.readonly }">
      <Bar/>
      <div v-if="state.away" class="hvc-banner" role="alert"><span><b>The workflow cannot be read.</b> {{ state.away.message }} <code class="hv-code">{{ state.away.code }}</code></span><span class="hv-small">The page tries again by itself.</span></div>
      <div v-else-if="state.silent" class="hvc-banner" role="alert"><span><b>{{ gone ? "The workflow is not there any more." : "The workflow engine does not answer." }}</b> {{ state.silent.message }} <code class="hv-code">{{ state.silent.code }}</code></span><span class="hv-small">What you draw stays here. The page tries again by itself.</span></div>
      <div v-else-if="state.failure" class="hvc-banner" role="alert"><span><template v-if="failed">{{ failed }}: </template>{{ state.failure.message }} <code class="hv-code">{{ state.failure.code }}</code></span><span class="hvc-banner-acts"><button v-if="failed" type="button" class="hv-text" @click="show(failed)">Show the node</button><button type="button" class="hv-text" @click="hush">Dismiss</button></span></div>
      <div v-else-if="state.notice" class="hvc-banner quiet" role="status"><span>{{ state.notice }}</span><button v-if="resumed && state.dirty" type="button" class="hv-text" @click="discard">Discard them</button><button type="button" class="hv-text" @click="hush">Dismiss</button></div>
      <div v-if="state.newer" class="hvc-banner quiet" role="status"><span>{{ state.newer.by }} has saved version {{ state.newer.version }} meanwhile; this is version {{ state.version }}{{ state.dirty ? " with your changes. Save shows both" : "" }}.</span><button v-if="!state.dirty" type="button" class="hv-text" @click="take">Take it</button></div>
      <div class="hvc-body">
        <Canvas v-if="state.loaded" ref="canvas" @arrange="arrange"/>
        <div v-else class="hvc-flow hvc-waits"><span v-if="!state.away" class="hv-muted">Reading the workflow …</span></div>
        <div v-if="empty && !state.readonly && state.may.edit && !panel" class="hvc-empty hv-card"><h2>Nothing here yet</h2><p>A workflow begins with a trigger; what follows gets its items. Paste nodes that were copied in n8n, or add one.</p><button type="button" class="hv-primary" @click="start">Add the first node</button></div>
        <Palette v-if="panel === 'palette' && state.may.edit && !state.readonly" @add="add" @close="closePanel"/>
        <Panel v-else-if="panel === 'node'"/>
        <Lists v-else-if="panel === 'executions' || panel === 'versions'"/>
      </div>
      <Dialogs v-if="state.conflict"/>
      <Credential v-if="state.making"/>
    </div>`,
};
