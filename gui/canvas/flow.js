// What the canvas takes from Vue Flow; the rest stays out of the bundle.
import "@vue-flow/core/dist/style.css";

export { Background } from "@vue-flow/background";
export { Handle, MarkerType, Panel, Position, useVueFlow, VueFlow } from "@vue-flow/core";
