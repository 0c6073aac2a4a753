// A model's answer, as it comes and as it ended. Plain text with code set apart: a model's output is never taken for markup.
import { store } from "./store.js";

// Bold, code and headings of one paragraph, as words with a kind.
function words(text) {
  return text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`|^#{1,4} .+$)/m).filter(Boolean).map((part) => {
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) return { kind: "b", text: part.slice(2, -2) };
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return { kind: "code", text: part.slice(1, -1) };
    if (/^#{1,4} /.test(part)) return { kind: "b", text: part.replace(/^#+ /, "") };
    return { kind: "span", text: part };
  });
}

function pieces(text) {
  return text.split("```").map((part, index) => {
    if (index % 2 === 0) return { code: false, text: part.trim(), words: words(part.trim()) };
    const [, , body] = part.match(/^([\w+#.-]*)\n([\s\S]*)$/) ?? [null, "", part];
    return { code: true, text: body.replace(/\n$/, "") };
  }).filter((piece) => piece.text);
}

export default {
  props: { id: { type: String, required: true }, running: Boolean },
  computed: {
    live() {
      return store.answers[this.id];
    },
    output() {
      const record = store.records[this.id];
      return record?.output && !this.running ? record.output : this.live ?? { text: "", thinking: "" };
    },
    pieces() {
      return pieces(this.output.text ?? "");
    },
    calls() {
      return (this.output.tool_calls ?? []).map((call) => `${call.name}(${JSON.stringify(call.arguments)})`);
    },
  },
  template: `
    <div class="hv-answer" aria-live="polite" :aria-busy="running">
      <details v-if="output.thinking" class="hv-thinking" :open="running && !output.text">
        <summary>Thinking</summary><div dir="auto">{{ output.thinking }}</div>
      </details>
      <template v-for="(piece, index) in pieces" :key="index">
        <pre v-if="piece.code" tabindex="0"><code>{{ piece.text }}</code></pre>
        <p v-else dir="auto"><component v-for="(word, place) in piece.words" :key="place" :is="word.kind">{{ word.text }}</component></p>
      </template>
      <pre v-for="call in calls" :key="call" tabindex="0"><code>{{ call }}</code></pre>
      <span v-if="running && (pieces.length || output.thinking)" class="hv-caret" aria-hidden="true"></span>
    </div>`,
};
