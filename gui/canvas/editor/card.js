// One node on the canvas, with its inputs and outputs; a sticky note is one too. Drawn by functions, without a template and a component for each
// part: three hundred are to be there within a second. What was drawn stays as it is while nothing that it shows has changed.
import { Position } from "hive-flow";
import { h, withMemo } from "vue";
import Glyph from "./glyph.js";
import { useHandles } from "./handles.js";
import { editable, issuesOf, marks, running, state, STICKY } from "./state.js";

const COLOURS = { 1: "#f2a31b", 2: "#d97742", 3: "#c9504c", 4: "#4c9a5f", 5: "#3f7fc4", 6: "#8a62b8", 7: "#7a8496" };

const share = (place, count) => (place + 1) / (count + 1);
const isMain = (port) => port.type === "main";

function linesOf(content) {
  return content.split("\n").flatMap((line) => [line.startsWith("#") ? h("b", line.replace(/^#+ */, "")) : line, h("br")]);
}

function note(parameters, selected) {
  const content = String(parameters.content ?? "");
  const style = {
    width: `${Number(parameters.width) || 240}px`,
    height: `${Number(parameters.height) || 160}px`,
    "--note": COLOURS[parameters.color] ?? COLOURS[1],
  };
  return h("div", { class: ["hvc-note", { selected }], style, "aria-label": `Note: ${content}` }, linesOf(content));
}

function sized({ mains, outs, helpers, ups }) {
  const rows = Math.max(mains.length, outs.length, 1);
  const width = helpers.length ? Math.max(190, helpers.length * 72) : ups.length ? 84 : 96;
  return { width: `${width}px`, height: `${Math.max(ups.length && !outs.length ? 84 : 96, rows * 30)}px` };
}

function counted(mark) {
  const all = mark?.items ?? [];
  if (!all.length) return "";
  const items = all.reduce((sum, each) => sum + each, 0);
  return `${items} ${items === 1 ? "item" : "items"}${mark.runs > 1 ? `, ${mark.runs} runs` : ""}`;
}

const label = (port, side, style) => (port.label || side === "down" ? h("span", { class: ["hvc-port", side], style }, port.label) : null);

// Inputs to the left, outputs to the right, helpers below, and above what makes this node a helper.
function ends({ mains, outs, helpers, ups }, box, connectable, handle) {
  const beside = (port, place, count) => ({ top: `calc(${box.height} * ${share(place, count)})` });
  const below = (place) => ({ left: `${share(place, helpers.length) * 100}%`, top: box.height });
  return [
    mains.map((port, place) => {
      const style = beside(port, place, mains.length);
      return [handle({ id: `in:main:${port.index}`, type: "target", position: Position.Left, kind: "hvc-in", connectable, style }), label(port, "left", style)];
    }),
    outs.map((port, place) => {
      const style = beside(port, place, outs.length);
      return [handle({ id: `out:main:${port.index}`, type: "source", position: Position.Right, kind: "hvc-out", connectable, style }), label(port, "right", style)];
    }),
    helpers.map((port, place) => {
      const style = below(place);
      return [handle({ id: `in:${port.type}:0`, type: "target", position: Position.Bottom, kind: "hvc-down", connectable, style }), label(port, "down", style)];
    }),
    ups.map((port) => handle({ id: `out:${port.type}:0`, type: "source", position: Position.Top, kind: "hvc-up", connectable })),
  ].flat(2);
}

function inside(id, node, ports, helpers, { mark, issue, pinned }, box) {
  return h("div", { class: "hvc-box", style: box, "data-group": ports.group }, [
    Glyph({ type: node.type }),
    helpers.length ? h("span", { class: "hvc-inside hv-clip" }, id) : null,
    mark?.status ? h("i", { class: "hvc-mark", "data-status": mark.status, title: mark.error ?? "" }, mark.status === "error" ? "!" : "✓") : null,
    issue ? h("i", { class: "hvc-issue", title: issue, "aria-hidden": "true" }, "!") : null,
    pinned ? h("i", { class: "hvc-pin", title: "Its output is pinned" }, "pin") : null,
  ]);
}

function card(id, { node, ports }, selected, seen, handle) {
  const sides = {
    mains: ports.inputs.filter(isMain),
    outs: ports.outputs.filter(isMain),
    helpers: ports.inputs.filter((port) => !isMain(port)),
    ups: ports.outputs.filter((port) => !isMain(port)),
  };
  const { mark, issue, waits, connectable } = seen;
  const { outs, helpers, ups } = sides;
  const box = sized(sides);
  const status = mark?.status ?? "";
  const about = [id, node.disabled ? "disabled" : "", status, issue ? "has an issue" : ""].filter(Boolean).join(", ");
  const flags = { selected, disabled: node.disabled, helper: ups.length && !outs.length, trigger: ports.trigger, unknown: !ports.known, waits };
  const under = h("div", { class: ["hvc-under", { inside: helpers.length }] }, [
    helpers.length ? null : h("div", { class: "hvc-name", title: id }, id),
    h("div", { class: "hvc-sub" }, node.disabled ? "disabled" : counted(mark)),
  ]);
  const parts = [inside(id, node, ports, helpers, seen, box), under, ...ends(sides, box, connectable, handle)];
  return h("div", { class: ["hvc-node", flags, status && `is-${status}`], "data-node": id, "aria-label": about, role: "group" }, parts);
}

function issueOf(id, { node, ports }) {
  const told = issuesOf(id).join("\n");
  return told || ports.known ? told : `Hive does not run nodes of type ${node.type}.`;
}

export default {
  // Vue Flow gives more than is asked for, which would be written into the page for each node.
  inheritAttrs: false,
  props: ["id", "data", "selected"],
  setup(props) {
    const handle = useHandles(props.id);
    const drawn = [];
    return () => {
      const { id, data, selected } = props;
      const mark = marks.value[id];
      const seen = { mark, issue: issueOf(id, data), waits: running.value && !mark, pinned: Boolean(state.document.pinData?.[id]), connectable: editable.value };
      const draw = () => (data.node.type === STICKY ? note(data.node.parameters ?? {}, selected) : card(id, data, selected, seen, handle));
      return withMemo([id, data, selected, ...Object.values(seen)], draw, drawn, 0);
    };
  },
};
