// One task on a page of its own.
import { Icon, send, store, taskName, TaskView } from "hive-live";

export default {
  props: { task: { type: String, required: true } },
  components: { Icon, TaskView },
  data: () => ({ copied: false }),
  computed: {
    known() {
      return store.records[this.task] ?? store.tasks[this.task];
    },
    name() {
      return taskName({ id: this.task, title: this.known?.title });
    },
  },
  mounted() {
    send("open", this.task);
  },
  methods: {
    async copy() {
      await navigator.clipboard?.writeText(this.task);
      this.copied = true;
      setTimeout(() => (this.copied = false), 1500);
    },
  },
  template: `
    <section class="hv-one-task">
      <nav class="hv-crumbs" aria-label="Where you are"><a href="/tasks">Tasks</a><span aria-hidden="true">/</span><button type="button" class="hv-id" title="Copy the id" @click="copy">{{ task }}<Icon :name="copied ? 'check' : 'copy'"/></button></nav>
      <h1 dir="auto">{{ name }}</h1>
      <div class="hv-card hv-one-task-card" :data-task="task"><TaskView :id="task" page/></div>
    </section>`,
};
