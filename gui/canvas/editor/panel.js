// The selected node: its name, parameters, settings, and what went in and came out.
import Form from "./form.js";
import Items from "./items.js";
import Line from "./line.js";
import Settings from "./settings.js";
import { current, edit, editable, issuesOf, marks, notesOf, send, shortType, state, STICKY, titleOf, wants } from "./state.js";

export default {
  components: { Form, Items, Line, Settings },
  computed: {
    node: () => current.value,
    editable: () => editable.value,
    tab: () => state.tab,
    sticky() {
      return this.node.type === STICKY;
    },
    title() {
      return titleOf(this.node.type);
    },
    tabs() {
      const found = [["parameters", "Parameters"], ["settings", "Settings"], ["input", "Input"], ["output", "Output"]];
      return this.sticky ? [] : found;
    },
    issues() {
      const told = issuesOf(this.node.name);
      return !told.length && state.ports[this.node.name]?.known === false ? [`Hive does not run nodes of type ${this.node.type}. It fails when it is reached.`] : told;
    },
    notes() {
      return notesOf(this.node.name);
    },
    executable() {
      const helper = state.types.find((kind) => kind.name === this.node.type)?.helper;
      return state.may.execute && !state.readonly && !helper && !this.sticky;
    },
    address() {
      const kind = shortType(this.node.type);
      const door = { webhook: "webhook", chatTrigger: "webhook", formTrigger: "form" }[kind];
      if (!door) return null;
      const own = this.node.parameters ?? {};
      const base = String(own.path || this.node.webhookId || this.node.id || "").replace(/^\/+|\/+$/g, "");
      const path = kind === "webhook" && base.includes(":") && this.node.webhookId ? `${this.node.webhookId}/${base}` : base;
      const end = kind === "chatTrigger" ? `${this.node.webhookId || this.node.id}/chat` : kind === "formTrigger" ? (own.options?.path || own.path || this.node.webhookId || this.node.id) : path;
      return [["Test", `${state.baseUrl}/${door}-test/${end}`], ["Active", `${state.baseUrl}/${door}/${end}`]];
    },
  },
  watch: {
    "node.name": { immediate: true, handler: "look" },
  },
  methods: {
    look() {
      if (!this.node) return;
      // One that did not run has only parameters to look at.
      if (!state.readonly && ["input", "output"].includes(state.tab) && !marks.value[this.node.name]) state.tab = "parameters";
      if (state.execution && marks.value[this.node.name] && !["input", "output"].includes(state.tab) && state.readonly) state.tab = "output";
      if (["input", "output"].includes(state.tab)) this.show(state.tab);
    },
    show(tab) {
      state.tab = tab;
      if (["input", "output"].includes(tab)) {
        state.items = null;
        if (marks.value[this.node.name]) wants(tab);
      }
    },
    rename(text, back) {
      const name = text.trim();
      if (name && name !== this.node.name) edit({ kind: "rename", old: this.node.name, new: name });
      else back();
    },
    run() {
      send("run", this.node.name);
    },
    remove() {
      edit({ kind: "remove", names: [this.node.name] });
      state.panel = null;
    },
    twice() {
      edit({ kind: "duplicate", names: [this.node.name] });
    },
    async copy(url) {
      try {
        await navigator.clipboard.writeText(url);
        state.notice = "The address was copied";
      } catch {
        state.notice = "This browser does not let pages copy. Select the address and copy it.";
      }
    },
    note(fields) {
      edit({ kind: "change", name: this.node.name, fields: { parameters: { ...this.node.parameters, ...fields } } });
    },
    close() {
      state.panel = null;
    },
  },
  template: `
    <aside v-if="node" class="hvc-side hvc-panel" :aria-label="'Node ' + node.name">
      <header>
        <div class="hvc-head"><Line class="hvc-title" aria-label="Name of the node" :key="node.name" :value="node.name" :readonly="!editable" maxlength="255" @change="rename" @keydown.enter="$event.target.blur()"/><span class="hv-small hv-muted">{{ title }}</span></div>
        <button type="button" class="hv-ghost hv-square" aria-label="Close" @click="close">×</button>
      </header>
      <div v-if="executable || editable" class="hvc-actions">
        <button v-if="executable" type="button" class="hv-quiet" title="Runs what leads to this node, and it" @click="run">Run to here</button>
        <button v-if="editable" type="button" class="hv-quiet" @click="twice">Duplicate</button>
        <button v-if="editable" type="button" class="hv-quiet hv-danger" @click="remove">Delete</button>
      </div>
      <p v-for="issue in issues" :key="issue" class="hvc-warn">{{ issue }}</p>
      <p v-for="note in notes" :key="note" class="hvc-warn plain">{{ note }}</p>
      <div v-if="sticky" class="hvc-scroll hvc-form"><label class="hvc-field"><span>Text</span><Line area class="hv-input" rows="8" :key="node.name" :value="node.parameters?.content" :readonly="!editable" @change="note({ content: $event })"/></label></div>
      <template v-else>
        <div class="hvc-tabs" role="tablist"><button v-for="[name, words] in tabs" :key="name" type="button" role="tab" :aria-selected="tab === name" @click="show(name)">{{ words }}</button></div>
        <div class="hvc-scroll" role="tabpanel">
          <div v-if="address && tab === 'parameters'" class="hvc-address"><p v-for="[word, url] in address" :key="word"><span>{{ word }}</span><code>{{ url }}</code><button type="button" class="hv-text hv-small" :aria-label="'Copy the address: ' + word" @click="copy(url)">Copy</button></p><p class="hv-small hv-muted">The test address runs what was saved last, and asks for a key. The other one answers while the workflow is active.</p></div>
          <Form v-if="tab === 'parameters'" :key="node.name" :node="node"/>
          <Settings v-else-if="tab === 'settings'" :node="node"/>
          <Items v-else :side="tab"/>
        </div>
      </template>
    </aside>`,
};
