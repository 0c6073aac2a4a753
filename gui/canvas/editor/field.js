// One parameter: fixed, or an expression, which n8n writes with a leading =.
import { kindOf } from "./paths.js";
import Preview from "./preview.js";

// What an option means where neither its field nor its own name says it.
const WORDS = { javaScript: "JavaScript", none: "None", basicAuth: "User and password", headerAuth: "Header", jwtAuth: "JWT" };
// As a person reads it: `runOnceForAllItems` is `Run once for all items`.
function spoken(option) {
  const text = String(option).replace(/(?<=[a-z0-9])[A-Z](?![A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return WORDS[option] ?? text.charAt(0).toUpperCase() + text.slice(1);
}
const AREAS = ["area", "code", "json", "value"];

export default {
  props: { field: Object, value: null, disabled: Boolean },
  emits: ["change"],
  components: { Preview },
  data: () => ({ typed: null, wrong: "" }),
  watch: {
    value() {
      this.typed = null;
      this.wrong = "";
    },
  },
  computed: {
    kind() {
      return kindOf(this.field);
    },
    expression() {
      return typeof this.value === "string" && this.value.startsWith("=");
    },
    text() {
      if (this.expression) return this.value.slice(1);
      if (this.value === undefined || this.value === null) return "";
      if (this.kind === "words" && Array.isArray(this.value)) return this.value.join(", ");
      if (this.kind === "value" || typeof this.value === "object") return JSON.stringify(this.value, null, 2);
      return String(this.value);
    },
    // What is typed stays in sight until it comes back as the value, whatever is drawn anew meanwhile.
    shownText() {
      return this.typed ?? this.text;
    },
    rows() {
      const lines = this.shownText.split("\n").length;
      return this.kind === "code" ? 8 : Math.min(8, Math.max(this.expression && this.kind !== "area" ? 1 : 2, lines));
    },
    shownAs() {
      return this.expression || AREAS.includes(this.kind) ? "area" : this.kind;
    },
    chosen() {
      return Array.isArray(this.value) ? this.value : [];
    },
    // One that the form does not offer stays in sight.
    options() {
      const now = this.value ?? this.field.default;
      const offered = this.field.options ?? [];
      return now === undefined || now === null || offered.some((each) => String(each) === String(now)) ? offered : [now, ...offered];
    },
    warning() {
      if (this.wrong) return this.wrong;
      if (this.kind !== "json" || this.expression || this.shownText.trim() === "" || this.shownText.includes("{{")) return "";
      try {
        JSON.parse(this.shownText);
        return "";
      } catch (error) {
        return `This is not JSON: ${error.message}`;
      }
    },
  },
  methods: {
    words(option) {
      return this.field.words?.[option] ?? spoken(option);
    },
    write(text) {
      if (this.expression) return this.$emit("change", `=${text}`);
      const fixed = this.fixed(text);
      if (fixed !== undefined || text === "") this.$emit("change", fixed);
    },
    turn() {
      this.$emit("change", this.expression ? this.fixed(this.shownText) : `=${this.shownText}`);
    },
    choose(text) {
      this.$emit("change", this.options.find((each) => String(each) === text));
    },
    toggle(option, on) {
      this.$emit("change", (this.field.options ?? []).filter((each) => (each === option ? on : this.chosen.includes(each))));
    },
    // Of a text only what the field could hold by itself.
    fixed(text) {
      const { kind } = this;
      if (kind === "number") return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
      if (kind === "select") return (this.field.options ?? []).find((each) => String(each) === text);
      if (kind === "switch" || kind === "truth") return text === "true";
      if (kind === "words") return text.split(",").map((each) => each.trim()).filter(Boolean);
      if (kind === "several") return undefined;
      return kind === "value" ? this.parsed(text) : text;
    },
    parsed(text) {
      this.wrong = "";
      if (text.trim() === "") return undefined;
      try {
        return JSON.parse(text);
      } catch (error) {
        this.wrong = `Not saved, since it is not JSON: ${error.message}`;
        return undefined;
      }
    },
  },
  template: `
    <div class="hvc-field" :class="{ line: shownAs === 'switch' }">
      <span>{{ field.label }}<button v-if="kind !== 'code' && !disabled" type="button" class="hvc-fx" :aria-label="'ƒx: ' + field.label + (expression ? ' is an expression' : ' is fixed')" :aria-pressed="expression" :title="expression ? 'An expression; make it fixed' : 'Fixed; make it an expression'" @click.prevent="turn">ƒx</button></span>
      <select :aria-label="field.label" v-if="shownAs === 'select'" class="hv-input" :value="value ?? field.default" :disabled="disabled" @change="choose($event.target.value)"><option v-for="option in options" :key="option" :value="option">{{ words(option) }}</option></select>
      <select :aria-label="field.label" v-else-if="shownAs === 'truth'" class="hv-input" :value="String(value === true)" :disabled="disabled" @change="$emit('change', $event.target.value === 'true')"><option value="true">true</option><option value="false">false</option></select>
      <div v-else-if="shownAs === 'several'" class="hvc-days" role="group" :aria-label="field.label"><label v-for="option in field.options" :key="option" class="hvc-check"><input type="checkbox" :checked="chosen.includes(option)" :disabled="disabled" @change="toggle(option, $event.target.checked)"><span>{{ words(option) }}</span></label></div>
      <input :aria-label="field.label" v-else-if="shownAs === 'switch'" type="checkbox" :checked="value ?? field.default" :disabled="disabled" @change="$emit('change', $event.target.checked)">
      <textarea :aria-label="field.label" v-else-if="shownAs === 'area'" class="hv-input" :class="{ 'hv-mono': expression || ['code', 'json', 'value'].includes(kind) }" :rows="rows" :value="shownText" :placeholder="expression ? '{{ $json.name }}' : (field.default ?? '')" :disabled="disabled" spellcheck="false" @input="typed = $event.target.value" @change="write($event.target.value)"></textarea>
      <input :aria-label="field.label" v-else class="hv-input" :type="shownAs === 'number' ? 'number' : 'text'" step="any" :value="shownText" :placeholder="field.default ?? ''" :disabled="disabled" @input="typed = $event.target.value" @change="write($event.target.value)">
      <p v-if="field.hint && !expression" class="hv-small hv-muted hvc-hint">{{ field.hint }}</p>
      <p v-if="warning" class="hv-small hv-error hvc-hint" role="status">{{ warning }}</p>
      <Preview v-if="expression" :text="'=' + shownText"/>
    </div>`,
};
