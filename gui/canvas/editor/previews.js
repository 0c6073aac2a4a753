// What the expressions of the node at hand give: asked for together once typing rests, and kept while node, item and execution stay.
import { reactive, watch } from "vue";
import { current, send, state } from "./state.js";

const REST_MS = 350;
const MOST = 32;

export const preview = reactive({ item: 0, items: null, source: null, none: false, refused: "", values: {} });
let wanted = new Set();
let number = 0;
let timer = 0;

export function want(text) {
  if (!state.may.execute || text in preview.values) return;
  wanted.add(text);
  clearTimeout(timer);
  timer = setTimeout(ask, REST_MS);
}

function ask() {
  const expressions = [...wanted].slice(0, MOST);
  if (!current.value || !expressions.length) return;
  for (const text of expressions) wanted.delete(text);
  send("preview", { number, node: current.value.name, expressions, item: preview.item });
  if (wanted.size) timer = setTimeout(ask, REST_MS);
}

// An answer to what is not at hand any more is dropped.
export function previewed(found) {
  if (found.number !== number) return;
  const { values, item, items, source, refused } = found;
  Object.assign(preview, { none: !values && !refused, refused: refused ?? "" });
  if (!values) return;
  Object.assign(preview, { item, items, source });
  found.expressions.forEach((text, place) => (preview.values[text] = values[place]));
}

export function turn(by) {
  preview.item += by;
  forget();
}

// What fields are shown ask again: their values are gone.
function forget() {
  number += 1;
  wanted = new Set();
  preview.values = {};
}

watch(
  () => [current.value?.name, state.execution?.id, state.execution?.status],
  (now, before) => {
    if (now[0] !== before?.[0]) Object.assign(preview, { item: 0, items: null });
    forget();
  },
);
