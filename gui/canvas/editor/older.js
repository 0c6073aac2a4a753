// Conditions as the first versions of If, Filter and Switch have them: lists by type, whose operators have names of their own.
import Field from "./field.js";
import Line from "./line.js";
import { edit, state } from "./state.js";

const TYPES = { string: "Text", number: "Number", boolean: "Yes or no", dateTime: "Date and time" };
const FIRST = { string: "equal", number: "smaller", boolean: "equal", dateTime: "after" };
const SPARE = 4; // outputs that the first Switch has, whatever its rules

const known = (type, row) => state.older.find((each) => each.type === type && each.operation === (row.operation ?? FIRST[type]));
const compared = (type) => ({ label: "Value to compare with", kind: type === "number" ? "number" : type === "boolean" ? "truth" : "text" });

export const OlderConditions = {
  components: { Field },
  inheritAttrs: false,
  props: { value: Object, disabled: Boolean },
  emits: ["change"],
  setup: () => ({ TYPES, known, compared }),
  computed: {
    rows() {
      return Object.keys(TYPES).flatMap((type) => (this.value?.[type] ?? []).map((row, place) => ({ type, place, row })));
    },
    groups: () => Object.keys(TYPES).map((type) => [type, state.older.filter((each) => each.type === type)]),
  },
  methods: {
    chosen: ({ type, row }) => `${type}:${row.operation ?? FIRST[type]}`,
    put(type, rows) {
      const made = { ...this.value, [type]: rows };
      if (!rows.length) delete made[type];
      this.$emit("change", made);
    },
    set({ type, place }, change) {
      this.put(type, this.value[type].map((row, index) => (index === place ? { ...row, ...change } : row)));
    },
    fewer({ type, place }) {
      this.put(type, this.value[type].filter((_, index) => index !== place));
    },
    // Of another type it stands in another list, behind those that are there.
    choose(at, id) {
      const [type, operation] = id.split(":");
      if (type === at.type) return this.set(at, { operation });
      const made = { ...this.value, [at.type]: this.value[at.type].filter((_, index) => index !== at.place) };
      made[type] = [...(made[type] ?? []), { value1: at.row.value1, operation }];
      if (!made[at.type].length) delete made[at.type];
      this.$emit("change", made);
    },
    more() {
      this.put("string", [...(this.value?.string ?? []), { value1: "=", operation: "equal", value2: "" }]);
    },
  },
  template: `
    <fieldset class="hvc-conditions"><legend>Conditions</legend>
      <p v-if="!rows.length" class="hv-small hv-muted">No condition yet: every item fits.</p>
      <div v-for="(at, number) in rows" :key="at.type + at.place" class="hvc-condition" role="group" :aria-label="'Condition ' + (number + 1)">
        <Field :field="{ label: 'Value', kind: 'text' }" :value="at.row.value1" :disabled="disabled" @change="set(at, { value1: $event ?? '' })"/>
        <div class="hvc-operator"><select class="hv-input" aria-label="Operator" :value="chosen(at)" :disabled="disabled" @change="choose(at, $event.target.value)">
          <option v-if="!known(at.type, at.row)" :value="chosen(at)">{{ chosen(at) }}</option>
          <optgroup v-for="[type, operators] in groups" :key="type" :label="TYPES[type]"><option v-for="each in operators" :key="each.operation" :value="type + ':' + each.operation">{{ TYPES[type] }} {{ each.label }}</option></optgroup>
        </select><button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove condition ' + (number + 1)" @click="fewer(at)">×</button></div>
        <Field v-if="known(at.type, at.row)?.right !== null" :field="compared(at.type)" :value="at.row.value2" :disabled="disabled" @change="set(at, { value2: $event ?? '' })"/>
      </div>
      <button v-if="!disabled" type="button" class="hv-quiet" @click="more">Add a condition</button>
    </fieldset>`,
};

// Of a Switch before version 3: one value of one type, held against each rule in turn.
export const OlderRules = {
  components: { Field, Line },
  inheritAttrs: false,
  props: { value: Array, node: Object, disabled: Boolean },
  emits: ["change"],
  setup: () => ({ known, compared, SPARE }),
  computed: {
    rules() {
      return this.value ?? [];
    },
    type() {
      return this.node.parameters?.dataType ?? "number";
    },
    operators() {
      return state.older.filter((each) => each.type === this.type);
    },
    first() {
      return Number(this.node.typeVersion ?? 1) < 2;
    },
  },
  methods: {
    operation(rule) {
      return rule.operation ?? FIRST[this.type];
    },
    set(place, change) {
      this.$emit("change", this.rules.map((rule, index) => (index === place ? { ...rule, ...change } : rule)));
    },
    more() {
      const output = this.first ? { output: Math.min(this.rules.length, SPARE - 1) } : {};
      this.$emit("change", [...this.rules, { operation: FIRST[this.type], value2: "", ...output }]);
    },
    // In the first version rules name their outputs; later ones have one each, with the connections that move with it.
    fewer(place) {
      if (this.first) this.$emit("change", this.rules.filter((_, index) => index !== place));
      else edit({ kind: "unrule", name: this.node.name, rule: place });
    },
  },
  template: `
    <section v-for="(rule, place) in rules" :key="place" class="hvc-rule" :aria-label="'Rule ' + (place + 1)">
      <div class="hvc-operator"><select class="hv-input" aria-label="Operator" :value="operation(rule)" :disabled="disabled" @change="set(place, { operation: $event.target.value })">
        <option v-if="!known(type, rule)" :value="operation(rule)">{{ operation(rule) }}</option><option v-for="each in operators" :key="each.operation" :value="each.operation">{{ each.label }}</option>
      </select><button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove rule ' + (place + 1)" @click="fewer(place)">×</button></div>
      <Field v-if="known(type, rule)?.right !== null" :field="compared(type)" :value="rule.value2" :disabled="disabled" @change="set(place, { value2: $event ?? '' })"/>
      <label v-if="first" class="hvc-field"><span>To output</span><select class="hv-input" :value="rule.output ?? 0" :disabled="disabled" @change="set(place, { output: Number($event.target.value) })"><option v-for="number in SPARE" :key="number" :value="number - 1">{{ number - 1 }}</option></select></label>
      <label v-else class="hvc-field"><span>Output {{ place }}, by name</span><Line class="hv-input" :value="rule.outputKey" :placeholder="String(place)" :disabled="disabled" @change="set(place, { outputKey: $event.trim() || undefined })"/></label>
    </section>
    <p v-if="!rules.length" class="hv-small hv-muted">No rule yet: no item goes on.</p>
    <button v-if="!disabled" type="button" class="hv-quiet" @click="more">Add a rule</button>`,
};
