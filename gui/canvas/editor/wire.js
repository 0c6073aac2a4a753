// One connection on the canvas. A function: three hundred of them are drawn at once.
import { EdgeText, getBezierPath } from "hive-flow";
import { h } from "vue";

const REACH = 20;

export default function Wire(props) {
  const [path, labelX, labelY] = getBezierPath(props);
  return [
    h("path", { class: "vue-flow__edge-path", d: path, fill: "none" }),
    h("path", { class: "vue-flow__edge-interaction", d: path, fill: "none", "stroke-width": REACH, "stroke-opacity": 0 }),
    props.label ? h(EdgeText, { x: labelX, y: labelY, label: props.label }) : null,
  ];
}
Wire.props = ["sourceX", "sourceY", "sourcePosition", "targetX", "targetY", "targetPosition", "label"];
Wire.inheritAttrs = false;
