// What is being done with models, or was within a day: how far it is, and why it failed.
import { order } from "./asking.js";
import { ago } from "./format.js";
import { store } from "./store.js";

const DOES = { pull: "Pull", load: "Load", unload: "Unload", delete: "Delete", create: "Create", copy: "Copy" };
const STATUS = { waiting: "Waiting", running: "Running", completed: "Done", failed: "Failed", cancelled: "Cancelled" };
const BY_WISH = "models.yaml"; // it would order the same again
const MB = 1e6;

export default {
  emits: ["changed"],
  props: { jobs: { type: Array, required: true }, where: Boolean },
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)),
    name: (job) => `${DOES[job.action] ?? job.action} ${job.model}`,
    // What has begun at its backend can be cancelled only where nothing is left half done.
    mayCancel: (job) => store.may.manage_models && !job.asked_by?.startsWith(BY_WISH) && (job.status === "waiting" || (job.status === "running" && job.action === "pull")),
    async cancel(job) {
      const again = () => order("models.pull", { model: job.model, agents: [job.agent_id] }, "It is pulled again, from where it was.").then(() => this.$emit("changed"));
      await order("models.cancel", { id: job.id }, `Cancelled: ${this.name(job)} on ${job.agent_id}.`, job.action === "pull" ? again : null);
      this.$emit("changed");
    },
    share: (job) => (job.status === "running" && job.bytes_total ? Math.floor((job.bytes_done / job.bytes_total) * 100) : null),
    words(job) {
      const share = this.share(job);
      if (job.error) return job.error.message;
      if (share !== null) return `${share} % of ${Math.ceil(job.bytes_total / MB)} MB`;
      if (job.status === "cancelled") return job.step ?? STATUS.cancelled;
      return job.status === "running" ? job.step ?? STATUS.running : STATUS[job.status];
    },
  },
  template: `
    <ul class="hv-why hv-jobs"><li v-for="job in jobs" :key="job.id" :data-status="job.status">
      <b>{{ name(job) }}</b><span v-if="where" class="hv-muted">on {{ job.agent_id }}</span>
      <div v-if="job.status === 'running'" class="hv-meter hv-progress" :class="{ 'hv-unknown': share(job) === null }" role="progressbar" :aria-valuenow="share(job)" aria-valuemin="0" aria-valuemax="100" :aria-label="name(job)"><i :style="{ width: (share(job) ?? 100) + '%' }"></i></div>
      <span class="hv-soft" :class="{ 'hv-bad': job.error }">{{ words(job) }} <code v-if="job.error" class="hv-code">{{ job.error.code }}</code></span><span class="hv-space"></span><span class="hv-muted hv-small">{{ ago(job.updated_at) }}</span><button v-if="mayCancel(job)" type="button" class="hv-quiet" :aria-label="'Cancel: ' + name(job) + ' on ' + job.agent_id" @click="cancel(job)">Cancel</button></li></ul>`,
};
