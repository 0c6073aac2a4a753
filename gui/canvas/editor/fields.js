// The fields of a node, or of an object within its parameters, each as its kind is; of another object the same again.
import Added from "./added.js";
import Assignments from "./assignments.js";
import Conditions from "./conditions.js";
import Field from "./field.js";
import Locator from "./locator.js";
import { OlderConditions, OlderRules } from "./older.js";
import Pairs from "./pairs.js";
import { get, inVersion, kindOf, matters, put } from "./paths.js";
import Rows from "./rows.js";
import Rules from "./rules.js";
import Schedule from "./schedule.js";

// Those that are drawn by a component of their own, from a value alone.
const OWN = { assignments: Assignments, conditions: Conditions, locator: Locator, older_conditions: OlderConditions, older_rules: OlderRules, pairs: Pairs, rules: Rules, schedule: Schedule };

export default {
  name: "Fields",
  components: { Added, Field, Rows },
  props: { fields: Array, value: Object, node: Object, root: Object, disabled: Boolean },
  emits: ["change"],
  setup: () => ({ get, kindOf, own: (field) => OWN[kindOf(field)] }),
  computed: {
    here() {
      return inVersion(this.fields, Number(this.node.typeVersion ?? 1));
    },
    top() {
      return this.root ?? { fields: this.here, value: this.value };
    },
    shown() {
      return this.here.filter((field) => matters(field, this.here, this.value, this.top));
    },
  },
  methods: {
    set(field, value) {
      this.$emit("change", put(this.value, field.name, value));
    },
    offered(field) {
      const all = inVersion(field.fields, Number(this.node.typeVersion ?? 1));
      return all.filter((each) => matters(each, all, get(this.value, field.name), this.top));
    },
  },
  template: `
    <template v-for="field in shown" :key="field.name + kindOf(field)">
      <component v-if="own(field)" :is="own(field)" :field="field" :label="field.label" :node="node" :value="get(value, field.name)" :disabled="disabled" @change="set(field, $event)"/>
      <Rows v-else-if="kindOf(field) === 'rows'" :field="field" :value="get(value, field.name)" :disabled="disabled" @change="set(field, $event)" v-slot="{ row, change }">
        <Fields :fields="field.fields" :value="row" :node="node" :root="top" :disabled="disabled" @change="change"/></Rows>
      <Added v-else-if="kindOf(field) === 'added'" :label="field.label" :fields="offered(field)" :value="get(value, field.name)" :disabled="disabled" @change="set(field, $event)" v-slot="{ one, change }">
        <Fields :fields="[one]" :value="get(value, field.name)" :node="node" :root="top" :disabled="disabled" @change="change"/></Added>
      <fieldset v-else-if="kindOf(field) === 'group'" class="hvc-group"><legend>{{ field.label }}</legend>
        <Fields :fields="field.fields" :value="get(value, field.name) ?? {}" :node="node" :root="top" :disabled="disabled" @change="set(field, { ...field.starts, ...$event })"/></fieldset>
      <Field v-else :field="field" :value="get(value, field.name)" :disabled="disabled" @change="set(field, $event)"/>
    </template>`,
};
