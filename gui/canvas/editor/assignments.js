// The fields that Edit Fields sets: a name, a type and a value each.
import Field from "./field.js";
import Line from "./line.js";

const KINDS = { string: "text", number: "number", boolean: "truth", array: "json", object: "json" };
const WORDS = { string: "Text", number: "Number", boolean: "Yes or no", array: "List", object: "Object" };

export default {
  components: { Field, Line },
  inheritAttrs: false,
  props: { field: Object, value: null, disabled: Boolean },
  emits: ["change"],
  setup: () => ({ WORDS }),
  computed: {
    rows() {
      return Array.isArray(this.value) ? this.value : [];
    },
  },
  methods: {
    valueField: (row) => ({ label: "Value", kind: KINDS[row.type] ?? "text" }),
    set(place, change) {
      this.$emit("change", this.rows.map((each, index) => (index === place ? { ...each, ...change } : each)));
    },
    more() {
      const id = crypto.randomUUID?.() ?? String(Date.now());
      this.$emit("change", [...this.rows, { id, name: `field${this.rows.length + 1}`, value: "", type: "string" }]);
    },
    fewer(place) {
      this.$emit("change", this.rows.filter((_, index) => index !== place));
    },
  },
  template: `
    <fieldset class="hvc-assign"><legend>{{ field.label }}</legend>
      <div v-for="(each, place) in rows" :key="each.id ?? place">
        <Line class="hv-input" :value="each.name" aria-label="Field name" :disabled="disabled" @change="set(place, { name: $event })"/>
        <select class="hv-input" :value="each.type ?? 'string'" aria-label="Field type" :disabled="disabled" @change="set(place, { type: $event.target.value })"><option v-for="(words, kind) in WORDS" :key="kind" :value="kind">{{ words }}</option></select>
        <button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove ' + each.name" @click="fewer(place)">×</button>
        <Field :field="valueField(each)" :value="each.value" :disabled="disabled" @change="set(place, { value: $event ?? '' })"/>
      </div>
      <button v-if="!disabled" type="button" class="hv-quiet" @click="more">Add a field</button>
    </fieldset>`,
};
