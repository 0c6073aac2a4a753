// Conditions as n8n's filter has them: rows of a value, an operator and what it is compared with, all of them or any.
import Field from "./field.js";
import { state } from "./state.js";

const TYPES = { string: "Text", number: "Number", boolean: "Yes or no", dateTime: "Date and time", array: "List", object: "Object" };
const idOf = (operator) => `${operator.type}:${operator.operation}`;
export const OPTIONS = { caseSensitive: true, leftValue: "", typeValidation: "strict", version: 2 };
const FIRST = { type: "string", operation: "equals" };

export default {
  components: { Field },
  inheritAttrs: false,
  props: { value: Object, disabled: Boolean, label: { type: String, default: "Conditions" } },
  emits: ["change"],
  setup: () => ({ TYPES, idOf }),
  computed: {
    rows() {
      return this.value?.conditions ?? [];
    },
    combinator() {
      return this.value?.combinator ?? "and";
    },
    groups() {
      return Object.keys(TYPES).map((type) => [type, state.operators.filter((each) => each.type === type)]);
    },
  },
  methods: {
    give(changes) {
      this.$emit("change", { options: OPTIONS, combinator: "and", ...this.value, ...changes });
    },
    known(row) {
      return state.operators.find((each) => idOf(each) === this.chosen(row));
    },
    chosen: (row) => idOf({ ...FIRST, ...row.operator }),
    rightField(row) {
      const kind = this.known(row)?.right;
      return { label: "Value to compare with", kind: kind === "number" ? "number" : kind === "boolean" ? "truth" : "text" };
    },
    // What the engine is not known to compare by is kept, and not offered a second value that may be another's.
    alone(row) {
      const operator = this.known(row);
      return operator ? !operator.right : row.operator?.singleValue === true;
    },
    set(place, change) {
      this.give({ conditions: this.rows.map((row, index) => (index === place ? { ...row, ...change } : row)) });
    },
    choose(place, id) {
      const { type, operation, right } = state.operators.find((each) => idOf(each) === id);
      const operator = { type, operation, ...(right ? {} : { singleValue: true }), ...(right && right !== type ? { rightType: right } : {}) };
      const before = this.rows[place].rightValue;
      this.set(place, { operator, rightValue: right ? this.fitted(before, right) : "" });
    },
    fitted(value, kind) {
      if (typeof value === "string" && value.startsWith("=")) return value;
      if (kind === "number") return value === "" || Number.isNaN(Number(value)) ? "" : Number(value);
      if (kind === "boolean") return value === true || value === "true";
      return value === undefined || value === null ? "" : String(value);
    },
    more() {
      const made = { id: crypto.randomUUID?.() ?? String(Date.now()), leftValue: "=", rightValue: "", operator: FIRST };
      this.give({ conditions: [...this.rows, made] });
    },
    fewer(place) {
      this.give({ conditions: this.rows.filter((_, index) => index !== place) });
    },
  },
  template: `
    <fieldset class="hvc-conditions"><legend>{{ label }}</legend>
      <p v-if="!rows.length" class="hv-small hv-muted">No condition yet: every item fits.</p>
      <template v-for="(row, place) in rows" :key="row.id ?? place">
        <select v-if="place === 1" class="hv-input hvc-joined" aria-label="How the conditions are joined" :value="combinator" :disabled="disabled" @change="give({ combinator: $event.target.value })"><option value="and">and</option><option value="or">or</option></select>
        <span v-else-if="place > 1" class="hv-small hv-muted">{{ combinator }}</span>
        <div class="hvc-condition" role="group" :aria-label="'Condition ' + (place + 1)">
          <Field :field="{ label: 'Value', kind: 'text' }" :value="row.leftValue" :disabled="disabled" @change="set(place, { leftValue: $event ?? '' })"/>
          <div class="hvc-operator"><select class="hv-input" aria-label="Operator" :value="chosen(row)" :disabled="disabled" @change="choose(place, $event.target.value)">
            <option v-if="!known(row)" :value="chosen(row)">{{ chosen(row) }}</option>
            <optgroup v-for="[type, operators] in groups" :key="type" :label="TYPES[type]"><option v-for="each in operators" :key="each.operation" :value="idOf(each)">{{ TYPES[type] }} {{ each.label }}</option></optgroup>
          </select><button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove condition ' + (place + 1)" @click="fewer(place)">×</button></div>
          <Field v-if="!alone(row)" :field="rightField(row)" :value="row.rightValue" :disabled="disabled" @change="set(place, { rightValue: $event ?? '' })"/>
        </div>
      </template>
      <button v-if="!disabled" type="button" class="hv-quiet" @click="more">Add a condition</button>
    </fieldset>`,
};
