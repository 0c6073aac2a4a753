// A list of objects with the same fields: what one has is drawn by whoever has the list.
import { get } from "./paths.js";

export default {
  props: { field: Object, value: null, disabled: Boolean },
  emits: ["change"],
  computed: {
    rows() {
      return Array.isArray(this.value) ? this.value : [];
    },
    // One field alone stands on the line of its buttons.
    single() {
      return this.field.fields.length === 1;
    },
    one() {
      const word = this.field.one ?? "row";
      return word.charAt(0).toUpperCase() + word.slice(1);
    },
  },
  methods: {
    // What tells rows apart: the first text that one has.
    told(row) {
      const found = this.field.fields.map((field) => get(row, field.name)).find((value) => typeof value === "string" && value !== "");
      return found ?? "";
    },
    set(place, row) {
      this.$emit("change", this.rows.map((each, index) => (index === place ? row : each)));
    },
    more() {
      this.$emit("change", [...this.rows, { ...this.field.starts }]);
    },
    fewer(place) {
      this.$emit("change", this.rows.filter((_, index) => index !== place));
    },
    up(place) {
      const made = [...this.rows];
      made.splice(place - 1, 0, ...made.splice(place, 1));
      this.$emit("change", made);
    },
  },
  template: `
    <fieldset class="hvc-rows"><legend>{{ field.label }}</legend>
      <div v-for="(row, place) in rows" :key="place" class="hvc-row" :class="{ single }" role="group" :aria-label="one + ' ' + (place + 1)">
        <div class="hvc-row-head"><b v-if="!single">{{ one }} {{ place + 1 }}</b><span v-if="!single" class="hv-clip hv-muted">{{ told(row) }}</span>
          <button v-if="!disabled && place" type="button" class="hv-ghost hv-square" :aria-label="'Move ' + field.one + ' ' + (place + 1) + ' up'" title="Move up" @click="up(place)">↑</button>
          <button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove ' + field.one + ' ' + (place + 1)" title="Remove" @click="fewer(place)">×</button></div>
        <slot :row="row" :change="(made) => set(place, made)"></slot>
      </div>
      <button v-if="!disabled" type="button" class="hv-quiet" @click="more">{{ rows.length ? "Add another " + (field.one ?? "row") : "Add: " + (field.one ?? "row") }}</button>
      <p v-if="disabled && !rows.length" class="hv-small hv-muted">None.</p>
    </fieldset>`,
};
