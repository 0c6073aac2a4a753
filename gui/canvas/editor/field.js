// One parameter: fixed, or an expression, which n8n writes with a leading =.
export default {
  props: { field: Object, value: null, disabled: Boolean },
  emits: ["change"],
  computed: {
    expression() {
      return typeof this.value === "string" && this.value.startsWith("=");
    },
    text() {
      if (this.expression) return this.value.slice(1);
      return this.value === undefined || this.value === null ? "" : String(this.value);
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
      this.$emit("change", this.expression ? this.text : `=${this.text}`);
    },
  },
  template: `
    <div class="hvc-field">
      <span>{{ field.label }}<button v-if="field.kind !== 'code' && !disabled" type="button" class="hvc-fx" :aria-label="'ƒx: ' + field.label + (expression ? ' is an expression' : ' is fixed')" :aria-pressed="expression" :title="expression ? 'An expression; make it fixed' : 'Fixed; make it an expression'" @click.prevent="turn">ƒx</button></span>
      <select :aria-label="field.label" v-if="shownAs === 'select'" class="hv-input" :value="value ?? field.default" :disabled="disabled" @change="$emit('change', $event.target.value)"><option v-for="option in field.options" :key="option" :value="option">{{ option }}</option></select>
      <input :aria-label="field.label" v-else-if="shownAs === 'switch'" type="checkbox" :checked="value ?? field.default" :disabled="disabled" @change="$emit('change', $event.target.checked)">
      <textarea :aria-label="field.label" v-else-if="shownAs === 'area' || shownAs === 'code'" class="hv-input" :class="{ 'hv-mono': expression || shownAs === 'code' }" :rows="shownAs === 'code' ? 8 : 2" :value="text" :placeholder="field.default ?? ''" :disabled="disabled" spellcheck="false" @change="write($event.target.value)"></textarea>
      <input :aria-label="field.label" v-else class="hv-input" :type="shownAs === 'number' ? 'number' : 'text'" :value="text" :placeholder="field.default ?? ''" :disabled="disabled" @change="write($event.target.value)">
    </div>`,
};
