// The rules of a Switch: conditions for each output, which may have a name.
import Conditions, { OPTIONS } from "./conditions.js";
import Line from "./line.js";
import { edit } from "./state.js";

export default {
  components: { Conditions, Line },
  inheritAttrs: false,
  props: { value: Array, node: Object, disabled: Boolean },
  emits: ["change"],
  computed: {
    rules() {
      return this.value ?? [];
    },
  },
  methods: {
    set(place, change) {
      this.$emit("change", this.rules.map((rule, index) => (index === place ? { ...rule, ...change } : rule)));
    },
    name(place, text) {
      const outputKey = text.trim();
      this.set(place, { renameOutput: Boolean(outputKey), outputKey: outputKey || undefined });
    },
    more() {
      this.$emit("change", [...this.rules, { conditions: { options: OPTIONS, conditions: [], combinator: "and" } }]);
    },
    // With the connections of its output, which only the server knows how to move.
    fewer(place) {
      edit({ kind: "unrule", name: this.node.name, rule: place });
    },
  },
  template: `
    <section v-for="(rule, place) in rules" :key="place" class="hvc-rule" :aria-label="'Rule ' + (place + 1)">
      <div class="hvc-two"><label class="hvc-field"><span>Output {{ place }}, by name</span><Line class="hv-input" :value="rule.outputKey" :placeholder="String(place)" :disabled="disabled" @change="name(place, $event)"/></label><button v-if="!disabled" type="button" class="hv-ghost hv-square" :aria-label="'Remove rule ' + (place + 1)" @click="fewer(place)">×</button></div>
      <Conditions :value="rule.conditions" :disabled="disabled" label="gets items where" @change="set(place, { conditions: $event })"/>
    </section>
    <p v-if="!rules.length" class="hv-small hv-muted">No rule yet: no item goes on.</p>
    <button v-if="!disabled" type="button" class="hv-quiet" @click="more">Add a rule</button>`,
};
