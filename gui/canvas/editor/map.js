// The whole workflow in a corner, and which part of it is in sight. One path for all nodes, drawn anew when the document changes:
// what is dragged or panned costs no more with many of them.
import { useVueFlow } from "hive-flow";
import { markRaw } from "vue";
import { nodes, STICKY } from "./state.js";

const SIDE = 96;
const EDGE = 60;

function boxOf(node) {
  const own = node.parameters ?? {};
  const [width, height] = node.type === STICKY ? [Number(own.width) || 240, Number(own.height) || 160] : [SIDE, SIDE];
  return { x: Number(node.position?.[0]) || 0, y: Number(node.position?.[1]) || 0, width, height };
}

function around(boxes) {
  const left = Math.min(...boxes.map((box) => box.x));
  const top = Math.min(...boxes.map((box) => box.y));
  return { x: left, y: top, width: Math.max(...boxes.map((box) => box.x + box.width)) - left, height: Math.max(...boxes.map((box) => box.y + box.height)) - top };
}

export default {
  setup: () => ({ flow: markRaw(useVueFlow("hive")) }),
  computed: {
    boxes: () => nodes.value.map(boxOf),
    drawn() {
      return this.boxes.map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`).join("");
    },
    whole() {
      return around(this.boxes);
    },
    seen() {
      const { x, y, zoom } = this.flow.viewport.value;
      const { width, height } = this.flow.dimensions.value;
      return { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
    },
    frame() {
      const { x, y, width, height } = around([this.whole, this.seen]);
      return { x: x - EDGE, y: y - EDGE, width: width + 2 * EDGE, height: height + 2 * EDGE };
    },
    // All but what is in sight lies under a veil: of two outlines, one within the other, what is between.
    veil() {
      return [this.frame, this.seen].map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`).join("");
    },
  },
  methods: {
    go(event) {
      if (!(event.buttons & 1)) return;
      const to = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.$refs.map.getScreenCTM().inverse());
      this.flow.setCenter(to.x, to.y, { zoom: this.flow.viewport.value.zoom });
    },
    begin(event) {
      this.$refs.map.setPointerCapture(event.pointerId);
      this.go(event);
    },
  },
  template: `
    <svg ref="map" class="hvc-map" role="img" aria-label="Map of the workflow" :viewBox="[frame.x, frame.y, frame.width, frame.height].join(' ')" @pointerdown="begin" @pointermove="go">
      <path class="hvc-map-nodes" :d="drawn"/><path class="hvc-map-veil" :d="veil" fill-rule="evenodd"/></svg>`,
};
