// The list of workflows, a page at a time.
const RETRY_MS = 3000;
const SEARCH_MS = 250;
const RENEW_MS = 5000;
const STATUS = { new: "Starting", running: "Running", waiting: "Waiting", success: "Succeeded", error: "Failed", canceled: "Stopped" };

export default {
  props: { may: Object },
  emits: ["list", "create", "import", "duplicate", "delete", "activate"],
  data: () => ({ rows: null, next: null, at: null, search: "", active: "", away: null, failure: null, dialog: "", asked: null, text: "", busy: false }),
  setup: () => ({ STATUS }),
  computed: {
    filtered() {
      return Boolean(this.search.trim() || this.active);
    },
  },
  watch: {
    search() {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.ask(), SEARCH_MS);
    },
    active() {
      this.ask();
    },
  },
  mounted() {
    this.ask();
    // Not while somebody has read on, or is asked something: what is there would move away.
    this.renewal = setInterval(() => document.hidden || this.dialog || this.away || this.read || this.ask(), RENEW_MS);
  },
  unmounted() {
    clearInterval(this.renewal);
  },
  methods: {
    ask(cursor = null) {
      this.$emit("list", { search: this.search, active: this.active === "" ? null : this.active === "yes", cursor });
    },
    tell(word, about) {
      this[`on_${word}`]?.(about);
    },
    on_workflows({ workflows, next_cursor, more }) {
      this.away = null;
      this.rows = more ? [...(this.rows ?? []), ...workflows] : workflows;
      this.next = next_cursor;
      this.read = more;
      this.at = new Date().toISOString();
    },
    on_away(failure) {
      this.away = failure;
      clearTimeout(this.later);
      this.later = setTimeout(() => this.ask(), RETRY_MS);
    },
    on_failed(failure) {
      this.failure = failure;
      this.busy = false;
    },
    on_open({ id }) {
      location.href = `/workflows/${id}`;
    },
    on_changed() {
      this.failure = null;
      this.ask();
    },
    on_switched({ id, active }) {
      const row = this.rows?.find((each) => each.id === id);
      if (row) row.active = active;
    },
    on_gone({ id }) {
      this.rows = this.rows?.filter((each) => each.id !== id) ?? null;
      this.close();
    },
    when: (text) => new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }),
    create(example) {
      this.busy = true;
      this.$emit("create", example);
    },
    open(kind, asked = null) {
      Object.assign(this, { dialog: kind, asked, text: "", failure: null, busy: false });
      this.$nextTick(() => this.$refs.dialog.showModal());
    },
    close() {
      this.$refs.dialog?.close();
      this.dialog = "";
      this.failure = null;
    },
    async file(event) {
      const [file] = event.target.files;
      if (file) this.text = await file.text();
    },
    take() {
      this.$emit("import", this.text);
    },
    remove() {
      this.$emit("delete", this.asked.id);
    },
    flip(row) {
      this.$emit("activate", { id: row.id, active: !row.active });
    },
  },
  template: `
    <section class="hvw" aria-labelledby="workflows-title">
      <div class="hvw-head"><h1 id="workflows-title">Workflows</h1><span class="hv-space"></span>
        <template v-if="may.create"><button id="import-workflow" type="button" class="hv-quiet" @click="open('import')">Import</button><button id="new-workflow" type="button" class="hv-primary" :disabled="busy" @click="create(false)">New workflow</button></template>
      </div>
      <div v-if="failure && !dialog" class="hv-failure" role="alert">{{ failure.message }} <code class="hv-code">{{ failure.code }}</code></div>
      <div v-if="away" class="hv-failure" role="alert"><b>The workflow engine does not answer.</b> {{ away.message }} <code class="hv-code">{{ away.code }}</code> {{ rows ? "What is shown is of " + when(at) + "; the page" : "The page" }} tries again by itself.</div>
      <div v-if="rows?.length || filtered" class="hvw-filters">
        <input v-model="search" class="hv-input" type="search" placeholder="Search by name or tag" aria-label="Search workflows">
        <select v-model="active" class="hv-input" aria-label="Which"><option value="">All</option><option value="yes">Active</option><option value="no">Inactive</option></select>
      </div>
      <div v-if="rows === null && !away" class="hv-card hv-lines"><i v-for="n in 6" :key="n"></i></div>
      <div v-else-if="rows?.length" class="hv-card hvw-table">
        <table><thead><tr><th scope="col">Name</th><th scope="col">Last execution</th><th scope="col">Changed</th><th scope="col">Active</th><th scope="col"><span class="hv-hidden">Actions</span></th></tr></thead>
          <tbody><tr v-for="row in rows" :key="row.id">
            <td class="hvw-name"><a :href="'/workflows/' + row.id">{{ row.name }}</a><span v-for="tag in row.tags" :key="tag" class="hv-tag">{{ tag }}</span><p v-if="row.description" class="hv-small hv-muted hv-clip">{{ row.description }}</p></td>
            <td data-label="Last execution"><a v-if="row.last_execution" class="hvc-run" :data-status="row.last_execution.status" :href="'/executions/' + row.last_execution.id"><i aria-hidden="true"></i>{{ STATUS[row.last_execution.status] }}</a><span v-else class="hv-muted">never</span><span v-if="row.last_execution" class="hv-small hv-muted hvw-when">{{ when(row.last_execution.created_at) }}</span></td>
            <td data-label="Changed" class="hv-small hv-muted">{{ when(row.updated_at) }}<br>by {{ row.created_by }}</td>
            <td data-label="Active"><input v-if="may.edit" type="checkbox" role="switch" class="hvw-switch" :checked="row.active" :aria-label="row.name + ' is active'" @click.prevent="flip(row)"><span v-else>{{ row.active ? "yes" : "no" }}</span></td>
            <td class="hvw-act"><button v-if="may.create" type="button" class="hv-text hv-small" :aria-label="'Duplicate ' + row.name" @click="$emit('duplicate', row.id)">Duplicate</button><button v-if="may.delete" type="button" class="hv-text hv-small hv-error" :aria-label="'Delete ' + row.name" @click="open('delete', row)">Delete</button></td>
          </tr></tbody></table>
        <button v-if="next" type="button" class="hv-more" @click="ask(next)">Show more</button>
      </div>
      <div v-else-if="rows && filtered" class="hv-card hv-empty"><h2>No workflow is called that</h2><p>Search for another word, or show all.</p></div>
      <div v-else-if="rows" class="hv-card hv-empty">
        <h2>No workflow yet</h2>
        <p>A workflow is a chain of nodes: a trigger begins it, and each node gets the items of the one before. What runs in n8n runs here.</p>
        <div v-if="may.create" class="hvw-start"><button type="button" class="hv-primary" :disabled="busy" @click="create(true)">Start with an example</button><button type="button" class="hv-quiet" @click="create(false)">Start empty</button><button type="button" class="hv-quiet" @click="open('import')">Import from n8n</button></div>
        <p v-else>Your role may look at workflows and not make them.</p>
      </div>
      <dialog v-if="dialog" ref="dialog" class="hvc-dialog" :aria-label="dialog === 'import' ? 'Import a workflow' : 'Delete a workflow'" @cancel.prevent="close">
        <template v-if="dialog === 'import'"><h2>Import a workflow</h2><p>The JSON that n8n downloads, or that its canvas copies.</p>
          <input type="file" accept=".json,application/json" aria-label="A workflow’s file" @change="file">
          <textarea v-model="text" class="hv-input hv-mono" rows="10" placeholder="or paste it here" aria-label="A workflow’s JSON" spellcheck="false"></textarea></template>
        <template v-else><h2>Delete “{{ asked.name }}”?</h2><p>Its versions go with it and cannot be had again. What its executions recorded stays.</p></template>
        <p v-if="failure" class="hv-failure" role="alert">{{ failure.message }} <code class="hv-code">{{ failure.code }}</code></p>
        <div class="hvc-dialog-bar"><span class="hv-space"></span><button type="button" class="hv-ghost" @click="close">Cancel</button><button v-if="dialog === 'import'" type="button" class="hv-primary" :disabled="!text.trim()" @click="take">Import</button><button v-else type="button" class="hv-quiet hv-danger" @click="remove">Delete</button></div>
      </dialog>
    </section>`,
};
