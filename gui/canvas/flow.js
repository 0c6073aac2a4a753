// What the canvas takes from Vue Flow; the rest stays out of the bundle.
import "@vue-flow/core/dist/style.css";

export { Background } from "@vue-flow/background";
export { EdgeText, getBezierPath, Position, useHandle, useVueFlow, VueFlow } from "@vue-flow/core";
