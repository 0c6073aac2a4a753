// An object whose names somebody chooses: a name and a value each.
import Field from "./field.js";
import Line from "./line.js";

export default {
  components: { Field, Line },
  inheritAttrs: false,
  props: { field: Object, value: null, disabled: Boolean },
  emits: ["change"],
  computed: {
    pairs() {
      return Object.entries(this.value && typeof this.value === "object" ? this.value : {});
    },
  },
  methods: {
    put(pairs) {
      this.$emit("change", Object.fromEntries(pairs));
    },
    // A name that is there already would take the other's value with it.
    rename(place, text, back) {
      const name = text.trim();
      if (!name || this.pairs.some(([each], index) => each === name && index !== place)) back();
      else this.put(this.pairs.map((pair, index) => (index === place ? [name, pair[1]] : pair)));
    },
    set(place, value) {
      this.put(this.pairs.map((pair, index) => (index === place ? [pair[0], value ?? ""] : pair)));
    },
    fewer(place) {
      this.put(this.pairs.filter((_, index) => index !== place));
    },
    more() {
      const taken = new Set(this.pairs.map(([name]) => name));
      let number = this.pairs.length + 1;
      while (taken.has(`${this.field.one}${number}`)) number += 1;
      this.put([...this.pairs, [`${this.field.one}${number}`, ""]]);
    },
  },
  template: `
    <fieldset class="hvc-rows"><legend>{{ field.label }}</legend>
      <div v-for="([name, value], place) in pairs" :key="place" class="hvc-row" role="group" :aria-label="name">
        <div class="hvc-row-head"><Line class="hv-input" aria-label="Name" :value="name" :disabled="disabled" @change="(text, back) => rename(place, text, back)"/><button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove ' + name" title="Remove" @click="fewer(place)">×</button></div>
        <Field :field="{ label: 'Value' }" :value="value" :disabled="disabled" @change="set(place, $event)"/>
      </div>
      <button v-if="!disabled" type="button" class="hv-quiet" @click="more">{{ pairs.length ? "Add another " + field.one : "Add: " + field.one }}</button>
    </fieldset>`,
};
