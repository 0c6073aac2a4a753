// What waits, by urgency.
import { count, store } from "hive-live";

const CLASSES = [
  ["high", "High", "priorities 1 and 2"],
  ["medium", "Medium", "priority 3"],
  ["low", "Low", "priorities 4 and 5"],
  ["pending", "Pending", "for other tasks to end"],
];

export default {
  computed: {
    known: () => store.cluster !== null,
    rows() {
      const queue = store.cluster?.queue ?? {};
      const most = Math.max(1, ...Object.values(queue));
      return CLASSES.map(([key, label, hint]) => ({ key, label, hint, number: queue[key] ?? 0, share: ((queue[key] ?? 0) / most) * 100 }));
    },
    total() {
      return this.rows.reduce((sum, row) => sum + row.number, 0);
    },
    free: () => store.cluster?.slots_free ?? 0,
    note() {
      if (!this.known) return "Known once a coordinator leads.";
      if (!this.total) return "Nothing waits: a new task starts at once where a slot is free.";
      return this.free ? `${this.free} ${this.free === 1 ? "slot is" : "slots are"} free, but not for what waits.` : "Every slot is in use.";
    },
  },
  methods: { count },
  template: `
    <section class="hv-card hv-queue" aria-labelledby="queue-title">
      <div class="hv-section"><h2 id="queue-title">Queue</h2><span class="hv-count hv-num" v-if="total">{{ count(total) }} waiting</span></div>
      <dl>
        <div v-for="row in rows" :key="row.key" :data-class="row.key"><dt :title="row.hint">{{ row.label }}</dt><dd class="hv-meter"><i :style="{ width: row.share + '%' }"></i></dd><dd class="hv-num">{{ known ? count(row.number) : "–" }}</dd></div>
      </dl>
      <p class="hv-small hv-muted">{{ note }}</p>
    </section>`,
};
