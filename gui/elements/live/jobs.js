// What is being done with models, or was within a day: how far it is, and why it failed.
import { ago } from "./format.js";
import { store } from "./store.js";

const DOES = { pull: "Pull", load: "Load", unload: "Unload", delete: "Delete", create: "Create", copy: "Copy" };
const STATUS = { waiting: "Waiting", running: "Running", completed: "Done", failed: "Failed" };
const MB = 1e6;

export default {
  props: { jobs: { type: Array, required: true }, where: Boolean },
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)),
    name: (job) => `${DOES[job.action] ?? job.action} ${job.model}`,
    share: (job) => (job.status === "running" && job.bytes_total ? Math.floor((job.bytes_done / job.bytes_total) * 100) : null),
    words(job) {
      const share = this.share(job);
      if (job.error) return job.error.message;
      if (share !== null) return `${share} % of ${Math.ceil(job.bytes_total / MB)} MB`;
      return job.status === "running" ? job.step ?? STATUS.running : STATUS[job.status];
    },
  },
  template: `
    <ul class="hv-why hv-jobs"><li v-for="job in jobs" :key="job.id" :data-status="job.status">
      <b>{{ name(job) }}</b><span v-if="where" class="hv-muted">on {{ job.agent_id }}</span>
      <div v-if="job.status === 'running'" class="hv-meter hv-progress" :class="{ 'hv-unknown': share(job) === null }" role="progressbar" :aria-valuenow="share(job)" aria-valuemin="0" aria-valuemax="100" :aria-label="name(job)"><i :style="{ width: (share(job) ?? 100) + '%' }"></i></div>
      <span class="hv-soft" :class="{ 'hv-bad': job.error }">{{ words(job) }} <code v-if="job.error" class="hv-code">{{ job.error.code }}</code></span><span class="hv-space"></span><span class="hv-muted hv-small">{{ ago(job.updated_at) }}</span></li></ul>`,
};
