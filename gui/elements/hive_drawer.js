// One task over whatever page it is.
import { closeTask, Icon, store, taskName, TaskView } from "hive-live";

export default {
  components: { Icon, TaskView },
  data: () => ({ copied: false, before: null }),
  computed: {
    id: () => store.open,
    record() {
      return store.records[this.id] ?? null;
    },
    row() {
      return store.tasks[this.id] ?? null;
    },
    name() {
      return this.record || this.row ? taskName({ id: this.id, title: this.record?.title ?? this.row?.title }) : `Task ${this.id.slice(0, 8)}`;
    },
  },
  watch: {
    id(now, before) {
      document.body.classList.toggle("hv-locked", Boolean(now));
      if (now && !before) this.before = document.activeElement;
      if (now) this.$nextTick(() => this.$refs.close?.focus());
      else this.before?.focus?.();
    },
  },
  mounted() {
    this.escape = (event) => event.key === "Escape" && this.id && !document.querySelector("dialog[open]") && this.close();
    window.addEventListener("keydown", this.escape);
  },
  unmounted() {
    window.removeEventListener("keydown", this.escape);
  },
  methods: {
    close: closeTask,
    async copy(text) {
      await navigator.clipboard?.writeText(text);
      this.copied = true;
      setTimeout(() => (this.copied = false), 1500);
    },
  },
  template: `
    <div><Teleport to="body">
      <div v-if="id" class="hv-veil" @click="close"></div>
      <aside v-if="id" class="hv-drawer" role="dialog" aria-modal="true" aria-labelledby="drawer-title" :data-task="id">
        <header>
          <div class="hv-drawer-title">
            <h2 id="drawer-title" class="hv-clip" dir="auto">{{ name }}</h2>
            <button type="button" class="hv-id hv-mono" :title="'Copy ' + id" @click="copy(id)">{{ id }}<Icon :name="copied ? 'check' : 'copy'"/></button>
          </div>
          <button ref="close" type="button" class="hv-ghost hv-square" aria-label="Close" title="Close (Esc)" @click="close"><Icon name="close"/></button>
        </header>
        <TaskView :id="id" :key="id"/>
      </aside>
    </Teleport></div>`,
};
