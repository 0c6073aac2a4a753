// Who changed what, and who was refused: filtered by the address, a page at a time, and saved as JSON lines.
import { Age, ask, clock, Icon, renewed, say } from "hive-live";

const FIELDS = ["sub", "action", "object_id", "result", "since", "until"];
const LIMIT = 50;
const MOST = 1000;
const RESULTS = { done: "Done", refused: "Refused", failed: "Failed", begun: "Begun" };

// Not so many times 24 hours later: a day in which clocks change is longer or shorter.
function midnight(day, later = 0) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later);
}

export default {
  components: { Age, Icon },
  mixins: [renewed(5000)],
  data() {
    const asked = new URL(location.href).searchParams;
    return { filters: Object.fromEntries(FIELDS.map((name) => [name, asked.get(name) ?? ""])), records: [], next: null, before: [], saving: false };
  },
  computed: {
    results: () => RESULTS,
    filtered() {
      return FIELDS.some((name) => this.filters[name]);
    },
  },
  methods: {
    // What is written in the fields, as the verb takes it; days are those of whoever looks, the last one included.
    body(more = {}) {
      const { since, until, ...words } = this.filters;
      const given = Object.fromEntries(Object.entries(words).map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
      if (since) given.since = midnight(since).toISOString();
      if (until) given.until = midnight(until, 1).toISOString();
      return { ...given, ...more };
    },
    async load() {
      const page = await ask("audit.list", this.body({ limit: LIMIT, ...(this.before.length ? { cursor: this.before.at(-1) } : {}) }));
      Object.assign(this, { records: page.records, next: page.next_cursor });
    },
    look() {
      this.before = [];
      const query = new URLSearchParams(FIELDS.filter((name) => this.filters[name]).map((name) => [name, this.filters[name]]));
      history.replaceState(null, "", location.pathname + (query.size ? "?" + query : ""));
      this.renew();
    },
    only(name, value) {
      this.filters[name] = value;
      this.look();
    },
    all() {
      for (const name of FIELDS) this.filters[name] = "";
      this.look();
    },
    older() {
      this.before.push(this.next);
      this.renew();
    },
    newer() {
      this.before.pop();
      this.renew();
    },
    clock,
    async save() {
      this.saving = true;
      try {
        const lines = [];
        let cursor = null;
        do {
          const page = await ask("audit.list", this.body({ limit: MOST, ...(cursor ? { cursor } : {}) }));
          lines.push(...page.records.map((record) => JSON.stringify(record) + "\n"));
          cursor = page.next_cursor;
        } while (cursor);
        const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" })), download: "audit.ndjson" });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      } catch (failure) {
        say(failure.message, failure);
      } finally {
        this.saving = false;
      }
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <h1 id="sheet-title">Audit log</h1><Age :at="at" :failure="failure"/>
      <form class="hv-filter-row" aria-label="Filters" @submit.prevent="look">
        <label class="hv-field"><span>Who</span><input v-model="filters.sub" class="hv-input" maxlength="255" @change="look"></label>
        <label class="hv-field"><span>What</span><input v-model="filters.action" class="hv-input" placeholder="workflows.update" maxlength="100" @change="look"></label>
        <label class="hv-field"><span>Of (id or name)</span><input v-model="filters.object_id" class="hv-input" maxlength="255" @change="look"></label>
        <label class="hv-field"><span>Result</span><select v-model="filters.result" class="hv-input" @change="look"><option value="">Any</option><option v-for="(label, name) in results" :key="name" :value="name">{{ label }}</option></select></label>
        <label class="hv-field"><span>From</span><input v-model="filters.since" class="hv-input" type="date" @change="look"></label>
        <label class="hv-field"><span>To</span><input v-model="filters.until" class="hv-input" type="date" @change="look"></label>
        <button v-if="filtered" type="button" class="hv-text" @click="all">Clear</button><button type="button" class="hv-quiet" :disabled="saving" @click="save">Save as NDJSON</button>
      </form>
      <div class="hv-card hv-plain"><table v-if="records.length" class="hv-audit"><thead><tr><th>When</th><th>Who</th><th>What</th><th>Of</th><th>Result</th><th>From</th><th>Details</th></tr></thead><tbody>
        <tr v-for="record in records" :key="record.id">
          <td class="hv-keep" :title="record.at">{{ clock(record.at) }}</td>
          <td class="hv-keep" data-label="Who"><button type="button" class="hv-text" :disabled="!record.sub" @click="only('sub', record.sub)">{{ record.sub || "nobody" }}</button></td>
          <td class="hv-keep" data-label="What"><button type="button" class="hv-text" @click="only('action', record.action)">{{ record.action }}</button></td>
          <td data-label="Of"><button v-if="record.object_id" type="button" class="hv-text hv-clip" :title="record.object_id" @click="only('object_id', record.object_id)">{{ record.object_id }}</button></td>
          <td class="hv-keep" data-label="Result">{{ results[record.result] }}<template v-if="record.code">{{ " " }}<code>{{ record.code }}</code></template><template v-if="record.times > 1">{{ " × " }}{{ record.times }}</template></td>
          <td data-label="From">{{ record.address ?? "bus" }}<template v-if="record.via"><br><span class="hv-small hv-muted">{{ record.via }}</span></template></td>
          <td data-label="Details">{{ record.summary || record.message }}<br v-if="record.trace_id && (record.summary || record.message)"><span v-if="record.trace_id" class="hv-small hv-muted">trace {{ record.trace_id }}</span></td>
        </tr></tbody></table>
        <div v-else-if="at" class="hv-empty"><Icon name="find"/><h3>{{ filtered ? "Nothing is like this" : "Nobody has changed anything yet" }}</h3><p>{{ filtered ? "Other filters may show more." : "Whoever changes something, or is refused, stands here." }}</p></div><div v-else-if="!failure" class="hv-lines" aria-label="Loading"><i v-for="n in 3" :key="n"></i></div></div>
      <p v-if="before.length || next" class="hv-row-end"><button type="button" class="hv-quiet" :disabled="!before.length" @click="newer">Newer</button><button type="button" class="hv-quiet" :disabled="!next" @click="older">Older</button></p>
    </section>`,
};
