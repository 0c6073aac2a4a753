// Executions of the workflow, and its versions.
import { editable, send, state, STATUS, took, when } from "./state.js";

export default {
  setup: () => ({ state, STATUS, when, took }),
  computed: {
    editable: () => editable.value,
  },
  methods: {
    send,
    open(each) {
      send("execution", each.id);
      state.items = null;
    },
    compare(version) {
      state.compared = null;
      send("compare", version);
    },
    close() {
      state.panel = null;
      state.compared = null;
    },
    told: (change) => `${change.kind} ${change.what} ${change.name}${change.fields.length ? ": " + change.fields.join(", ") : ""}`,
  },
  template: `
    <aside class="hvc-side" :aria-label="state.panel === 'executions' ? 'Executions' : 'Versions'" @keydown.esc.stop="close">
      <header><h2>{{ state.panel === "executions" ? "Executions" : "Versions" }}</h2><button type="button" class="hv-ghost hv-square" aria-label="Close" @click="close">×</button></header>
      <div v-if="state.panel === 'executions'" class="hvc-scroll">
        <p v-if="!state.executions" class="hv-muted hvc-pad">Reading …</p>
        <p v-else-if="!state.executions.list.length" class="hv-muted hvc-pad">It was not executed yet.</p>
        <ul v-else class="hvc-list"><li v-for="each in state.executions.list" :key="each.id" :class="{ on: state.execution?.id === each.id }">
          <button type="button" @click="open(each)"><span class="hvc-run" :data-status="each.status"><i aria-hidden="true"></i>{{ STATUS[each.status] }}</span><span class="hv-small hv-muted">{{ when(each.created_at) }} · {{ each.mode }} {{ took(each) ? "· " + took(each) : "" }}</span><span v-if="each.error_message" class="hv-small hv-error hv-clip">{{ each.error_message }}</span></button>
          <a class="hv-text hv-small" :href="'/executions/' + each.id" :aria-label="'Open the execution of ' + when(each.created_at)">Open</a></li></ul>
        <button v-if="state.executions?.next" type="button" class="hv-more" @click="send('executions', state.executions.next)">Show more</button>
      </div>
      <div v-else class="hvc-scroll">
        <p v-if="!state.versions" class="hv-muted hvc-pad">Reading …</p>
        <ul v-else class="hvc-list"><li v-for="each in state.versions" :key="each.version" class="hvc-version">
          <div><b>Version {{ each.version }}</b><span class="hv-small hv-muted">{{ each.created_by }} · {{ when(each.created_at) }}</span></div>
          <button type="button" class="hv-text hv-small" @click="compare(each.version)">Compare</button>
          <button v-if="editable" type="button" class="hv-text hv-small" @click="send('restore', each.version)">Restore</button>
          <div v-if="state.compared?.version === each.version" class="hvc-diff" role="status"><p v-if="state.compared.changes.length" class="hv-muted">Since then the canvas has:</p><p v-if="!state.compared.changes.length" class="hv-muted">The canvas is the same.</p><p v-for="(change, place) in state.compared.changes" :key="place" :data-kind="change.kind">{{ told(change) }}</p></div>
        </li></ul>
      </div>
    </aside>`,
};
