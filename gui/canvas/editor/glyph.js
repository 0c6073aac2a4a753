// A node's picture: a drawing where its kind has one, else the letters of its name.
import { h } from "vue";
import { shortType, titleOf } from "./state.js";

const PATHS = {
  manualTrigger: "M5 3.4v9.2l7.2-4.6z",
  webhook: "M8 5.4 5.4 10M8 5.4a2 2 0 1 0-1-.3M5.4 10a2 2 0 1 0 .9 1.6h4.6m0 0a2 2 0 1 0 .6-1.4L9 6",
  scheduleTrigger: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm0-9.4V8l2.4 1.5",
  if: "M2.5 8h3.2M5.7 8 9 4.4h4.5M5.7 8 9 11.6h4.5",
  switch: "M2.5 8h3M5.5 8 9 3.6h4.5M5.5 8h8M5.5 8 9 12.4h4.5",
  merge: "M2.5 4h3.4L9 8l-3.1 4H2.5M9 8h4.5",
  set: "m3 11.2-.4 2.2 2.2-.4L13 4.8 11.2 3 3 11.2Z",
  code: "M6 4.4 2.6 8 6 11.6M10 4.4 13.4 8 10 11.6",
  httpRequest: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2.2 8h11.6M8 2c2 2 2.4 4 2.4 6S10 12 8 14c-2-2-2.4-4-2.4-6S6 4 8 2Z",
  filter: "M2.6 3.4h10.8L9.4 8.6v4l-2.8-1.4V8.6z",
  wait: "M4.6 2.6h6.8M4.6 13.4h6.8M5.4 2.6c0 3 5.2 4 5.2 5.4s-5.2 2.4-5.2 5.4M10.6 2.6c0 3-5.2 4-5.2 5.4s5.2 2.4 5.2 5.4",
  noOp: "M3 8h10m-3-3 3 3-3 3",
  agent: "M4 6.2h8v6.2H4zM8 6.2V3.4M6.4 9h.1m3 0h.1M2.6 8.4v2M13.4 8.4v2",
  chatTrigger: "M2.8 3.6h10.4v7H8L5 13.2v-2.6H2.8z",
  formTrigger: "M3.4 2.6h9.2v10.8H3.4zM5.6 5.6h4.8M5.6 8h4.8m-4.8 2.4h2.4",
  splitInBatches: "M12.6 6.2A5 5 0 1 0 13 8.9M12.9 2.9v3.4H9.5",
  emailSend: "M2.4 4h11.2v8H2.4zm0 .4L8 8.8l5.6-4.4",
  chainLlm: "M6.6 9.4a2.6 2.6 0 0 1 0-3.6l1.4-1.4a2.6 2.6 0 0 1 3.6 3.6M9.4 6.6a2.6 2.6 0 0 1 0 3.6L8 11.6A2.6 2.6 0 0 1 4.4 8",
};

function lettersOf(type) {
  const words = titleOf(type).split(" ");
  return (words.length > 1 ? words[0][0] + words[1][0] : words[0].slice(0, 2)).toUpperCase();
}

const LINE = { class: "hv-icon", viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", "stroke-width": 1.3, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };

export default function Glyph({ type }) {
  const path = PATHS[shortType(type)];
  return path ? h("svg", LINE, [h("path", { d: path })]) : h("b", { class: "hvc-letters", "aria-hidden": "true" }, lettersOf(type));
}
Glyph.props = ["type"];
