// One parameter: fixed, or an expression, which n8n writes with a leading =.
import Preview from "./preview.js";

const WORDS = {
  javaScript: "JavaScript", python: "Python", json: "JSON", html: "HTML", keypair: "Fields", combineBySql: "Combine by SQL", none: "None", predefinedCredentialType: "Of a service", genericCredentialType: "By a credential’s way", httpBasicAuth: "User and password", httpBearerAuth: "Bearer token", httpCustomAuth: "As JSON says", httpDigestAuth: "Digest", httpHeaderAuth: "Header", httpQueryAuth: "In the query", oAuth2Api: "OAuth 2", basicAuth: "User and password", headerAuth: "Header", jwtAuth: "JWT", extra: "To an output of its own", auto: "From the chat’s input", define: "Written below" };
// As a person reads it: `runOnceForAllItems` is `Run once for all items`.
function wordsOf(option) {
  const text = option.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return WORDS[option] ?? text.charAt(0).toUpperCase() + text.slice(1);
}

export default {
  props: { field: Object, value: null, disabled: Boolean },
  emits: ["change"],
  components: { Preview },
  data: () => ({ typed: null }),
  watch: {
    value() {
      this.typed = null;
    },
  },
  setup: () => ({ wordsOf }),
  computed: {
    expression() {
      return typeof this.value === "string" && this.value.startsWith("=");
    },
    text() {
      if (this.expression) return this.value.slice(1);
      return this.value === undefined || this.value === null ? "" : String(this.value);
    },
    // What is typed stays in sight until it comes back as the value, whatever is drawn anew meanwhile.
    shownText() {
      return this.typed ?? this.text;
    },
    rows() {
      const lines = this.shownText.split("\n").length;
      return this.field.kind === "code" ? 8 : Math.min(8, Math.max(this.expression && this.field.kind !== "area" ? 1 : 2, lines));
    },
    shownAs() {
      return this.expression ? "area" : this.field.kind;
    },
  },
  methods: {
    write(text) {
      if (this.expression) return this.$emit("change", `=${text}`);
      if (this.field.kind === "number") return this.$emit("change", text === "" ? undefined : Number(text));
      this.$emit("change", text);
    },
    turn() {
      this.$emit("change", this.expression ? this.fixed(this.shownText) : `=${this.shownText}`);
    },
    // Of an expression's text only what the field could hold by itself.
    fixed(text) {
      const { kind, options } = this.field;
      if (kind === "number") return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
      if (kind === "select") return options.includes(text) ? text : undefined;
      if (kind === "switch" || kind === "truth") return text === "true";
      return text;
    },
  },
  template: `
    <div class="hvc-field">
      <span>{{ field.label }}<button v-if="field.kind !== 'code' && !disabled" type="button" class="hvc-fx" :aria-label="'ƒx: ' + field.label + (expression ? ' is an expression' : ' is fixed')" :aria-pressed="expression" :title="expression ? 'An expression; make it fixed' : 'Fixed; make it an expression'" @click.prevent="turn">ƒx</button></span>
      <select :aria-label="field.label" v-if="shownAs === 'select'" class="hv-input" :value="value ?? field.default" :disabled="disabled" @change="$emit('change', $event.target.value)"><option v-for="option in field.options" :key="option" :value="option">{{ wordsOf(option) }}</option></select>
      <select :aria-label="field.label" v-else-if="shownAs === 'truth'" class="hv-input" :value="String(value === true)" :disabled="disabled" @change="$emit('change', $event.target.value === 'true')"><option value="true">true</option><option value="false">false</option></select>
      <input :aria-label="field.label" v-else-if="shownAs === 'switch'" type="checkbox" :checked="value ?? field.default" :disabled="disabled" @change="$emit('change', $event.target.checked)">
      <textarea :aria-label="field.label" v-else-if="shownAs === 'area' || shownAs === 'code'" class="hv-input" :class="{ 'hv-mono': expression || shownAs === 'code' }" :rows="rows" :value="shownText" :placeholder="expression ? '{{ $json.name }}' : (field.default ?? '')" :disabled="disabled" spellcheck="false" @input="typed = $event.target.value" @change="write($event.target.value)"></textarea>
      <input :aria-label="field.label" v-else class="hv-input" :type="shownAs === 'number' ? 'number' : 'text'" :value="shownText" :placeholder="field.default ?? ''" :disabled="disabled" @input="typed = $event.target.value" @change="write($event.target.value)">
      <Preview v-if="expression" :text="'=' + shownText"/>
    </div>`,
};
