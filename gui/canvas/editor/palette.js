// The types of nodes, to be searched, clicked or dragged onto the canvas.
import Glyph from "./glyph.js";
import { state, titleOf } from "./state.js";

const GROUPS = { trigger: "Triggers", flow: "Flow", data: "Data", action: "Actions", ai: "AI", helper: "Attached to AI nodes", tool: "Tools of MCP servers" };

export default {
  components: { Glyph },
  emits: ["add", "close"],
  data: () => ({ search: "" }),
  computed: {
    groups() {
      const words = this.search.toLowerCase().split(/\s+/).filter(Boolean);
      const found = state.types
        .map((kind) => ({ ...kind, title: titleOf(kind.name) }))
        .filter((kind) => words.every((word) => `${kind.title} ${kind.name} ${GROUPS[kind.group]}`.toLowerCase().includes(word)))
        .sort((a, b) => a.title.localeCompare(b.title));
      return Object.entries(GROUPS)
        .map(([group, title]) => ({ title, kinds: found.filter((kind) => kind.group === group) }))
        .filter((group) => group.kinds.length);
    },
    first() {
      return this.groups[0]?.kinds[0];
    },
  },
  mounted() {
    this.$refs.search.focus();
  },
  methods: {
    drag(event, kind) {
      event.dataTransfer.setData("application/x-hive-node", kind.name);
    },
    take() {
      if (this.first && this.search) this.$emit("add", this.first.name);
    },
  },
  template: `
    <aside class="hvc-side hvc-palette" aria-label="Add a node" @keydown.esc.stop="$emit('close')">
      <header><h2>Add a node</h2><button type="button" class="hv-ghost hv-square" aria-label="Close" @click="$emit('close')">×</button></header>
      <div class="hvc-search"><input ref="search" v-model="search" class="hv-input" type="search" placeholder="Search nodes" aria-label="Search nodes" @keydown.enter.prevent="take"></div>
      <div class="hvc-scroll">
        <section v-for="group in groups" :key="group.title">
          <h3>{{ group.title }}</h3>
          <button v-for="kind in group.kinds" :key="kind.name" type="button" draggable="true" :title="kind.note ?? kind.description ?? kind.name" @dragstart="drag($event, kind)" @click="$emit('add', kind.name)">
            <i class="hvc-chip" :data-group="kind.group"><Glyph :type="kind.name"/></i><span class="hv-clip">{{ kind.title }}</span>
          </button>
        </section>
        <p v-if="!groups.length" class="hv-muted hvc-pad">No node is called that.</p>
      </div>
    </aside>`,
};
