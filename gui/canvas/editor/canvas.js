// The canvas: Vue Flow shows the document that the server holds, and each gesture becomes an edit of it.
import { Background, useVueFlow, VueFlow } from "hive-flow";
import { markRaw } from "vue";
import Card from "./card.js";
import { provideHandles } from "./handles.js";
import Overview from "./map.js";
import Wire from "./wire.js";
import { edit, editable, fragment, marks, nodes, running, send, state, STICKY } from "./state.js";

// Above this only what is in sight is drawn, which costs at every step of a drag or a pan: below it, all of it once is less.
const MANY = 600;
const MARGIN = 60;
const SLIDE_MS = 150;
// How far something from `start` to `end` must go to lie within 0 and `size`; its beginning counts where it is larger.
const into = (start, end, size) => (start < MARGIN || end - start > size - 2 * MARGIN ? MARGIN - start : Math.min(0, size - MARGIN - end));
const key = (wire) => [wire.source, wire.type, wire.output, wire.target, wire.target_type, wire.input].join("\u0000");

function wireOf({ source, target, sourceHandle, targetHandle }) {
  const [, type, output] = String(sourceHandle).split(":");
  const [, kind, input] = String(targetHandle).split(":");
  return { source, type, output: Number(output), target, target_type: kind, input: Number(input) };
}

export default {
  components: { Background, Overview, VueFlow },
  setup() {
    const flow = useVueFlow("hive");
    provideHandles();
    return { drawn: markRaw(new Map()), flow: markRaw(flow), nodeTypes: { hive: markRaw(Card) }, edgeTypes: { default: markRaw(Wire) } };
  },
  // Whether Vue Flow has measured nodes: before that there is nothing to fit, and what connects them would be drawn twice.
  data: () => ({ measured: false }),
  computed: {
    editable: () => editable.value,
    looked: () => `${state.panel}\u0000${state.selected.length === 1 ? state.selected[0] : ""}`,
    many: () => nodes.value.length > MANY,
    shown() {
      return nodes.value.map((node) => ({
        id: node.name,
        type: "hive",
        position: { x: Number(node.position?.[0]) || 0, y: Number(node.position?.[1]) || 0 },
        // Also when it is selected, which lifts it by 1000, a note lies under what it is about.
        zIndex: node.type === STICKY ? -2000 : 0,
        ariaLabel: node.name,
        data: this.data(node),
      }));
    },
    wires() {
      const known = new Set(nodes.value.map((node) => node.name));
      return state.wires
        .filter((wire) => known.has(wire.source) && known.has(wire.target))
        .map((wire) => {
          const mark = marks.value[wire.source];
          const count = wire.type === "main" ? mark?.items?.[wire.output] : undefined;
          return {
            id: key(wire),
            source: wire.source,
            target: wire.target,
            sourceHandle: `out:${wire.type}:${wire.output}`,
            targetHandle: `in:${wire.target_type}:${wire.input}`,
            class: [wire.type === "main" ? "hvc-main" : "hvc-helper", count ? "done" : ""].join(" ").trim(),
            animated: running.value && Boolean(count) && !marks.value[wire.target],
            label: count ? String(count) : undefined,
            data: wire,
          };
        });
    },
  },
  watch: {
    looked: { handler: "reveal", flush: "post" },
  },
  mounted() {
    for (const [name, handler] of [["copy", this.copy], ["cut", this.cut], ["paste", this.paste], ["keydown", this.press]]) document.addEventListener(name, handler);
  },
  beforeUnmount() {
    for (const [name, handler] of [["copy", this.copy], ["cut", this.cut], ["paste", this.paste], ["keydown", this.press]]) document.removeEventListener(name, handler);
  },
  methods: {
    // The same object while nothing but the place changed: what is drawn is not drawn again.
    data(node) {
      const data = { node: { ...node, position: null }, ports: state.ports[node.name] ?? { inputs: [], outputs: [], known: true } };
      const text = JSON.stringify(data);
      const before = this.drawn.get(node.name);
      if (before?.text === text) return before.data;
      this.drawn.set(node.name, { text, data: markRaw(data) });
      return data;
    },
    fit() {
      this.unfitted = !this.measured && nodes.value.length > 0;
      if (this.measured) this.flow.fitView({ padding: 0.2, maxZoom: 1, duration: 0 });
    },
    changed(changes) {
      if (!this.measured && changes.some((change) => change.type === "dimensions")) {
        this.measured = true;
        if (this.unfitted) this.fit();
      }
      this.picked();
    },
    // The node whose panel opens stays in sight beside it, and above it on a phone; so does one that the palette adds.
    reveal() {
      const node = ["node", "palette"].includes(state.panel) && state.selected.length === 1 && this.flow.findNode(state.selected[0]);
      if (!node) return this.slideBack();
      const { x, y, zoom } = this.flow.viewport.value;
      const box = this.$el.getBoundingClientRect();
      const side = document.querySelector(".hvc-side")?.getBoundingClientRect();
      const height = side && side.left <= box.left ? side.top - box.top : box.height;
      const left = node.position.x * zoom + x;
      const top = node.position.y * zoom + y;
      const [dx, dy] = [into(left, left + node.dimensions.width * zoom, box.width), into(top, top + node.dimensions.height * zoom, height)];
      if (dx || dy) this.slide({ x: x + dx, y: y + dy, zoom }, this.slid?.from ?? { x, y, zoom });
    },
    slide(to, from) {
      this.slid = { to, from };
      this.flow.setViewport(to, { duration: SLIDE_MS });
    },
    // To where it was when the first panel opened, unless somebody moved the canvas since.
    slideBack() {
      const { from, to } = this.slid ?? {};
      const { x, y, zoom } = this.flow.viewport.value;
      this.slid = null;
      if (from && Math.hypot(x - to.x, y - to.y) < 1 && zoom === to.zoom) this.flow.setViewport(from, { duration: SLIDE_MS });
    },
    select(names) {
      this.flow.removeSelectedElements();
      const found = names.map((name) => this.flow.findNode(name)).filter(Boolean);
      if (found.length) this.flow.addSelectedNodes(found);
      state.selected = names;
    },
    picked() {
      const names = this.flow.getSelectedNodes.value.map((node) => node.id);
      if (names.join("\u0000") !== state.selected.join("\u0000")) state.selected = names;
    },
    opened({ node }) {
      if (node.type === "hive") state.panel = "node";
    },
    connect(connection) {
      edit({ kind: "connect", ...wireOf(connection) });
    },
    fits(connection) {
      const wire = wireOf(connection);
      return wire.type === wire.target_type && (wire.type === "main" || wire.source !== wire.target);
    },
    dropped({ nodes: moved }) {
      if (!this.editable) return;
      const positions = Object.fromEntries(moved.map((node) => [node.id, [node.position.x, node.position.y]]));
      edit({ kind: "move", positions });
    },
    centre() {
      const box = this.$el.getBoundingClientRect();
      const { x, y } = this.flow.screenToFlowCoordinate({ x: box.left + box.width / 2, y: box.top + box.height / 2 });
      return [Math.round(x / 20) * 20 - 48, Math.round(y / 20) * 20 - 48];
    },
    add(type, at = null) {
      // What is added goes on from the node that is selected, or from the only one that is there.
      const real = nodes.value.filter((node) => node.type !== STICKY);
      const after = state.selected.length === 1 ? nodes.value.find((node) => node.name === state.selected[0]) : real.length === 1 ? real[0] : null;
      const { helper, group } = state.types.find((each) => each.name === type) ?? {};
      const [dx, dy] = helper ? [40, 220] : group === "trigger" ? [0, 220] : [240, 0];
      const beside = after && after.type !== STICKY && type !== STICKY ? [after.position[0] + dx, after.position[1] + dy] : null;
      edit({ kind: "add", type, position: at ?? beside ?? this.centre(), after: at ? null : (beside && after.name) });
    },
    drop(event) {
      const type = event.dataTransfer.getData("application/x-hive-node");
      if (!type || !this.editable) return;
      const { x, y } = this.flow.screenToFlowCoordinate({ x: event.clientX, y: event.clientY });
      this.add(type, [x - 48, y - 48]);
    },
    busy(event) {
      return event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable], dialog, .hvc-data") !== null;
    },
    copy(event) {
      if (this.busy(event) || !state.selected.length || String(getSelection())) return;
      event.clipboardData.setData("text/plain", JSON.stringify(fragment(state.selected), null, 2));
      event.preventDefault();
      state.notice = `${state.selected.length === 1 ? "1 node" : state.selected.length + " nodes"} copied`;
    },
    cut(event) {
      if (this.busy(event) || !this.editable) return;
      this.copy(event);
      if (event.defaultPrevented) this.remove();
    },
    paste(event) {
      if (this.busy(event) || !this.editable) return;
      const text = event.clipboardData.getData("text/plain");
      if (!text.trim()) return;
      event.preventDefault();
      edit({ kind: "paste", text, at: this.centre() });
    },
    remove() {
      const wires = this.flow.getSelectedEdges.value.map((edge) => edge.data);
      if (state.selected.length || wires.length) edit({ kind: "remove", names: state.selected, wires });
      this.select([]);
    },
    press(event) {
      if (this.busy(event) || document.querySelector("dialog[open]")) return;
      const command = event.ctrlKey || event.metaKey;
      const act = this.shortcut(event.key.length === 1 ? event.key.toLowerCase() : event.key, command, event.shiftKey);
      if (!act) return;
      event.preventDefault();
      act();
    },
    shortcut(pressed, command, shift) {
      if (command && pressed === "a") return () => this.select(nodes.value.map((node) => node.name));
      if (command && pressed === "Enter" && state.may.execute && !state.readonly) return () => send("run");
      if (pressed === "Escape") return () => (state.panel ? (state.panel = null) : this.select([]));
      if (!command && pressed === "1") return () => this.fit();
      if (pressed === "Enter" && state.selected.length === 1) return () => (state.panel = "node");
      if (!this.editable) return null;
      if (command && pressed === "z") return () => send(shift ? "redo" : "undo");
      if (command && pressed === "y") return () => send("redo");
      if (command && pressed === "s") return () => send("save");
      if (command && pressed === "d" && state.selected.length) return () => edit({ kind: "duplicate", names: state.selected });
      if (command) return null;
      if (pressed === "Delete" || pressed === "Backspace") return () => this.remove();
      if (pressed === "d" && state.selected.length) return () => edit({ kind: "toggle", names: state.selected });
      if (pressed === "Tab" || pressed === "n") return pressed === "n" ? () => (state.panel = "palette") : null;
      if (shift && pressed === "l") return () => edit({ kind: "arrange" });
      return pressed === "F2" && state.selected.length === 1 ? () => Object.assign(state, { panel: "node", tab: "parameters" }) : null;
    },
  },
  template: `
    <div class="hvc-flow" @drop.prevent="drop" @dragover.prevent>
      <VueFlow id="hive" :nodes="shown" :edges="measured ? wires : []" :node-types="nodeTypes" :edge-types="edgeTypes" :nodes-draggable="editable" :nodes-connectable="editable" :edges-updatable="false"
        :delete-key-code="null" :select-nodes-on-drag="false" multi-selection-key-code="Shift" :min-zoom="0.1" :max-zoom="2" :snap-to-grid="true" :snap-grid="[20, 20]"
        :only-render-visible-elements="many" :is-valid-connection="fits" :default-edge-options="{ type: 'default' }" :elevate-edges-on-select="true"
        @connect="connect" @node-drag-stop="dropped" @selection-drag-stop="dropped" @nodes-change="changed" @edges-change="picked" @node-click="opened" @pane-click="picked">
        <Background :gap="20" :size="1"/>
      </VueFlow>
      <Overview v-if="shown.length > 4"/>
      <div class="hvc-zoom" role="group" aria-label="View">
        <button type="button" class="hv-quiet" aria-label="Zoom out" title="Zoom out" @click="flow.zoomOut()">−</button>
        <button type="button" class="hv-quiet" aria-label="Zoom in" title="Zoom in" @click="flow.zoomIn()">+</button>
        <button type="button" class="hv-quiet" title="Show all of it (1)" @click="fit()">Fit</button>
        <button v-if="editable" type="button" class="hv-quiet" title="Arrange all nodes (Shift+L)" @click="$emit('arrange')">Tidy up</button>
      </div>
    </div>`,
  emits: ["arrange"],
};
