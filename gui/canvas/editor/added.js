// What n8n calls options: fields that are there only once somebody adds them.
import { first, get, put, without } from "./paths.js";

export default {
  props: { label: String, fields: Array, value: null, disabled: Boolean },
  emits: ["change"],
  computed: {
    there() {
      return this.fields.filter((field) => get(this.value, field.name) !== undefined);
    },
    others() {
      return this.fields.filter((field) => get(this.value, field.name) === undefined);
    },
  },
  methods: {
    add(event) {
      const field = this.others[Number(event.target.value)];
      event.target.value = "";
      if (field) this.$emit("change", put(this.value ?? {}, field.name, first(field)));
    },
    remove(field) {
      this.$emit("change", without(this.value, field.name));
    },
    change(made) {
      this.$emit("change", made);
    },
  },
  template: `
    <fieldset v-if="fields.length" class="hvc-rows hvc-options"><legend>{{ label }}</legend>
      <div v-for="one in there" :key="one.name" class="hvc-option"><div><slot :one="one" :change="change"></slot></div>
        <button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove: ' + one.label" title="Remove" @click="remove(one)">×</button></div>
      <select v-if="!disabled && others.length" class="hv-input" :aria-label="'Add to ' + label.toLowerCase()" value="" @change="add"><option value="">Add …</option><option v-for="(one, place) in others" :key="one.name" :value="place">{{ one.label }}</option></select>
      <p v-if="disabled && !there.length" class="hv-small hv-muted">None.</p>
    </fieldset>`,
};
