// One node on the canvas, with its inputs and outputs; a sticky note is one too.
import { Handle, Position } from "hive-flow";
import Glyph from "./glyph.js";
import { editable, issuesOf, marks, running, state, STICKY } from "./state.js";

const COLOURS = { 1: "#f2a31b", 2: "#d97742", 3: "#c9504c", 4: "#4c9a5f", 5: "#3f7fc4", 6: "#8a62b8", 7: "#7a8496" };

export default {
  components: { Glyph, Handle },
  // Vue Flow gives more than is asked for, which would be written into the page for each node.
  inheritAttrs: false,
  props: { id: String, data: Object, selected: Boolean },
  setup: () => ({ Position }),
  computed: {
    editable: () => editable.value,
    node() {
      return this.data.node;
    },
    ports() {
      return this.data.ports;
    },
    sticky() {
      return this.node.type === STICKY;
    },
    parameters() {
      return this.node.parameters ?? {};
    },
    lines() {
      return String(this.parameters.content ?? "").split("\n");
    },
    colour() {
      return COLOURS[this.parameters.color] ?? COLOURS[1];
    },
    size() {
      return { width: `${Number(this.parameters.width) || 240}px`, height: `${Number(this.parameters.height) || 160}px`, "--note": this.colour };
    },
    mains() {
      return this.ports.inputs.filter((port) => port.type === "main");
    },
    helpers() {
      return this.ports.inputs.filter((port) => port.type !== "main");
    },
    outs() {
      return this.ports.outputs.filter((port) => port.type === "main");
    },
    ups() {
      return this.ports.outputs.filter((port) => port.type !== "main");
    },
    mark() {
      return marks.value[this.id];
    },
    status() {
      return this.mark?.status ?? "";
    },
    waits() {
      return running.value && !this.mark;
    },
    issue() {
      const told = issuesOf(this.id).join("\n");
      return told || this.ports.known ? told : `Hive does not run nodes of type ${this.node.type}.`;
    },
    box() {
      const rows = Math.max(this.mains.length, this.outs.length, 1);
      const width = this.helpers.length ? Math.max(190, this.helpers.length * 72) : this.ups.length ? 84 : 96;
      return { width: `${width}px`, height: `${Math.max(this.ups.length && !this.outs.length ? 84 : 96, rows * 30)}px` };
    },
    pinned() {
      return Boolean(state.document.pinData?.[this.id]);
    },
    items() {
      const all = this.mark?.items ?? [];
      return all.length ? all.reduce((sum, each) => sum + each, 0) : null;
    },
    label() {
      const said = [this.id, this.node.disabled ? "disabled" : "", this.status, this.issue ? "has an issue" : ""];
      return said.filter(Boolean).join(", ");
    },
  },
  methods: {
    at: (place, count) => `${((place + 1) / (count + 1)) * 100}%`,
  },
  template: `
    <div v-if="sticky" class="hvc-note" :class="{ selected }" :style="size" :aria-label="'Note: ' + (parameters.content ?? '')"><template v-for="(line, place) in lines" :key="place"><b v-if="line.startsWith('#')">{{ line.replace(/^#+ */, "") }}</b><template v-else>{{ line }}</template><br></template></div>
    <div v-else class="hvc-node" :class="[{ selected, disabled: node.disabled, helper: ups.length && !outs.length, trigger: ports.trigger, unknown: !ports.known, waits }, status && 'is-' + status]"
      :data-node="id" :aria-label="label" role="group">
      <div class="hvc-box" :style="box" :data-group="ports.group">
        <Glyph :type="node.type"/>
        <span v-if="helpers.length" class="hvc-inside hv-clip">{{ id }}</span>
        <i v-if="status" class="hvc-mark" :data-status="status" :title="mark.error ?? ''">{{ status === "error" ? "!" : "✓" }}</i>
        <i v-if="issue" class="hvc-issue" :title="issue" aria-hidden="true">!</i>
        <i v-if="pinned" class="hvc-pin" title="Its output is pinned">pin</i>
      </div>
      <div class="hvc-under" :class="{ inside: helpers.length }"><div v-if="!helpers.length" class="hvc-name" :title="id">{{ id }}</div><div class="hvc-sub">{{ node.disabled ? "disabled" : items === null ? "" : items + (items === 1 ? " item" : " items") + (mark.runs > 1 ? ", " + mark.runs + " runs" : "") }}</div></div>
      <template v-for="(port, place) in mains" :key="'in' + port.index">
        <Handle type="target" :position="Position.Left" :id="'in:main:' + port.index" :connectable="editable" :style="{ top: 'calc(' + box.height + ' * ' + (place + 1) / (mains.length + 1) + ')' }" class="hvc-in"/>
        <span v-if="port.label" class="hvc-port left" :style="{ top: 'calc(' + box.height + ' * ' + (place + 1) / (mains.length + 1) + ')' }">{{ port.label }}</span>
      </template>
      <template v-for="(port, place) in outs" :key="'out' + port.index">
        <Handle type="source" :position="Position.Right" :id="'out:main:' + port.index" :connectable="editable" :style="{ top: 'calc(' + box.height + ' * ' + (place + 1) / (outs.length + 1) + ')' }" class="hvc-out"/>
        <span v-if="port.label" class="hvc-port right" :style="{ top: 'calc(' + box.height + ' * ' + (place + 1) / (outs.length + 1) + ')' }">{{ port.label }}</span>
      </template>
      <template v-for="(port, place) in helpers" :key="port.type">
        <Handle type="target" :position="Position.Bottom" :id="'in:' + port.type + ':0'" :connectable="editable" :style="{ left: at(place, helpers.length), top: box.height }" class="hvc-down"/>
        <span class="hvc-port down" :style="{ left: at(place, helpers.length), top: box.height }">{{ port.label }}</span>
      </template>
      <Handle v-for="port in ups" :key="'up' + port.type" type="source" :position="Position.Top" :id="'out:' + port.type + ':0'" :connectable="editable" class="hvc-up"/>
    </div>`,
};
