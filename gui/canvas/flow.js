// What the canvas takes from Vue Flow; the rest stays out of the bundle.
import "@vue-flow/core/dist/style.css";
import "@vue-flow/minimap/dist/style.css";

export { Background } from "@vue-flow/background";
export { Handle, MarkerType, Panel, Position, useVueFlow, VueFlow } from "@vue-flow/core";
export { MiniMap } from "@vue-flow/minimap";
