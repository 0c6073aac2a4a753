// What went into a node or came out of it, a page at a time, as a table, JSON or text.
import { current, editable, edit, send, state, wants } from "./state.js";

const SIZE = 25;
const MOST_COLUMNS = 12;
const plain = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

export default {
  props: { side: String },
  data: () => ({ view: "table" }),
  computed: {
    editable: () => editable.value,
    page: () => state.items,
    execution: () => state.execution,
    ended: () => state.execution && !["new", "running", "waiting"].includes(state.execution.status),
    ready() {
      return this.page && this.page.node === current.value?.name && this.page.side === this.side;
    },
    pinned: () => state.document.pinData?.[current.value?.name] ?? null,
    columns() {
      const names = new Set();
      for (const item of this.page.items) for (const name of Object.keys(item.json ?? {})) names.add(name);
      return [...names].slice(0, MOST_COLUMNS);
    },
    json() {
      return JSON.stringify(this.page.items.map((item) => (item.files ? item : item.json)), null, 2);
    },
    labels() {
      const ports = (state.ports[this.page.node]?.outputs ?? []).filter((port) => port.type === "main");
      return this.page.choices.map((each, place) => each.label || ports[place]?.label || `Output ${place + 1}`);
    },
    text() {
      return this.page.items.map((item) => Object.values(item.json ?? {}).filter((value) => typeof value === "string").join("\n") || plain(item.json)).join("\n\n");
    },
  },
  methods: {
    plain,
    ask(more) {
      wants(this.side, { run: this.page.run, choice: this.page.choice, offset: this.page.offset, ...more });
    },
    turn(by) {
      this.ask({ offset: this.page.offset + by * SIZE });
    },
    pin() {
      send("pin", current.value.name);
    },
    unpin() {
      edit({ kind: "pin", name: current.value.name, items: null });
    },
    retry() {
      send("retry", current.value.name);
    },
  },
  setup: () => ({ SIZE, state }),
  template: `
    <div class="hvc-data">
      <p v-if="side === 'output' && pinned" class="hvc-pinned">Its output is pinned: {{ pinned.length }} {{ pinned.length === 1 ? "item" : "items" }} stand in for what it would give.<button v-if="editable" type="button" class="hv-text" @click="unpin">Unpin</button></p>
      <p v-if="!execution" class="hv-muted hvc-pad">Nothing to show yet. Execute the workflow, or open one of its executions.</p>
      <p v-else-if="!ready && execution.left_out" class="hv-muted hvc-pad">Not shown: {{ execution.left_out }}</p>
      <p v-else-if="!ready" class="hv-muted hvc-pad">This node did not run in the execution that is shown.</p>
      <template v-else>
        <div v-if="page.error && side === 'output'" class="hv-failure" role="alert"><b>{{ page.error.message }}</b><p v-if="page.error.description">{{ page.error.description }}</p></div>
        <p v-for="hint in page.hints" :key="hint" class="hv-small hv-muted">{{ hint }}</p>
        <div class="hvc-data-bar">
          <div class="hv-filters" role="group" aria-label="Shown as"><button v-for="kind in ['table', 'json', 'text']" :key="kind" type="button" :aria-pressed="view === kind" @click="view = kind">{{ kind === "json" ? "JSON" : kind === "table" ? "Table" : "Text" }}</button></div>
          <select v-if="page.choices.length > 1" class="hv-input" :aria-label="side === 'input' ? 'From' : 'Output'" :value="page.choice" @change="ask({ choice: Number($event.target.value), offset: 0 })"><option v-for="(each, place) in page.choices" :key="place" :value="place">{{ labels[place] }} ({{ each.count }})</option></select>
          <select v-if="page.runs > 1" class="hv-input" aria-label="Run" :value="page.run" @change="ask({ run: Number($event.target.value), offset: 0 })"><option v-for="n in page.runs" :key="n" :value="n - 1">Run {{ n }}</option></select>
        </div>
        <p v-if="!page.total" class="hv-muted">No items.</p>
        <div v-else-if="view === 'table'" class="hvc-table" tabindex="0" role="region" :aria-label="side + ' as a table'"><table><thead><tr><th v-for="name in columns" :key="name" scope="col">{{ name }}</th><th v-if="!columns.length" scope="col">item</th></tr></thead>
          <tbody><tr v-for="(item, place) in page.items" :key="place"><td v-for="name in columns" :key="name" :title="plain(item.json?.[name])">{{ plain(item.json?.[name]) }}</td><td v-if="!columns.length" class="hv-muted">{{ item.files ? plain(item.files) : "an item without fields" }}</td></tr></tbody></table></div>
        <pre v-else class="hvc-pre" tabindex="0">{{ view === "json" ? json : text }}</pre>
        <div v-if="page.total > SIZE" class="hvc-pages"><button type="button" class="hv-quiet" :disabled="page.offset === 0" @click="turn(-1)">Earlier</button><span class="hv-num hv-muted">{{ page.offset + 1 }}–{{ Math.min(page.offset + SIZE, page.total) }} of {{ page.total }}</span><button type="button" class="hv-quiet" :disabled="page.offset + SIZE >= page.total" @click="turn(1)">Later</button></div>
        <div class="hvc-data-bar">
          <button v-if="side === 'output' && editable && !pinned && page.total" type="button" class="hv-quiet" @click="pin">Pin this output</button>
          <button v-if="side === 'output' && ended && state.may.execute" type="button" class="hv-quiet" @click="retry">Run again from here</button>
        </div>
      </template>
    </div>`,
};
