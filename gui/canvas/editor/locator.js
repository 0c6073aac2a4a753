// What n8n calls a resource locator: something that is chosen from a list, or named by an id or a name.
import Field from "./field.js";
import { send, state } from "./state.js";

export default {
  components: { Field },
  inheritAttrs: false,
  props: { field: Object, value: null, disabled: Boolean },
  emits: ["change"],
  computed: {
    is() {
      return this.value && typeof this.value === "object" ? this.value : { value: this.value };
    },
    mode() {
      return this.is.mode ?? this.field.options[0];
    },
    choices() {
      return this.field.source ? (state.choices[this.field.source] ?? null) : null;
    },
    listed() {
      return this.mode === "list" && this.choices !== null && !String(this.is.value ?? "").startsWith("=");
    },
    // One that is not listed, such as one of another hive, stays in sight.
    strange() {
      return this.is.value && !this.choices.some((each) => each.value === this.is.value) ? this.is : null;
    },
  },
  created() {
    if (this.field.source && !state.choices[this.field.source]) send("choices", this.field.source);
  },
  methods: {
    give(change) {
      const { cachedResultName, cachedResultUrl, ...rest } = this.is;
      this.$emit("change", { __rl: true, ...rest, mode: this.mode, value: rest.value ?? "", ...change });
    },
    choose(value) {
      const found = this.choices.find((each) => each.value === value);
      this.give({ value, ...(found ? { cachedResultName: found.name } : {}) });
    },
  },
  template: `
    <div class="hvc-locator">
      <select v-if="field.options.length > 1" class="hv-input" :aria-label="field.label + ', how it is named'" :value="mode" :disabled="disabled" @change="give({ mode: $event.target.value })"><option v-for="way in field.options" :key="way" :value="way">{{ field.words?.[way] ?? way }}</option></select>
      <div v-if="listed" class="hvc-field"><span>{{ field.label }}</span><select class="hv-input" :aria-label="field.label" :value="is.value ?? ''" :disabled="disabled" @change="choose($event.target.value)"><option value="">None</option><option v-if="strange" :value="strange.value">{{ strange.cachedResultName ?? strange.value }}</option><option v-for="each in choices" :key="each.value" :value="each.value">{{ each.name }}</option></select></div>
      <Field v-else :field="{ label: field.label }" :value="is.value" :disabled="disabled" @change="give({ value: $event ?? '' })"/>
    </div>`,
};
