// The value of one expression, under its field.
import { preview, want } from "./previews.js";
import { state } from "./state.js";

export default {
  props: { text: String },
  computed: {
    dynamic() {
      return state.may.execute && this.text.includes("{{");
    },
    found: () => preview,
    value() {
      return preview.values[this.text];
    },
    // Also when what is known was forgotten: an item, a node or an execution on.
    asked() {
      return [this.text, preview.values];
    },
    words() {
      if (!this.value) return preview.none ? "Execute the workflow to see its value." : preview.refused;
      if (this.value.text === "") return "empty text";
      if (this.value.type === "undefined") return "undefined: there is nothing of that name";
      return this.value.text + (this.value.cut ? " …" : "");
    },
  },
  watch: {
    asked: {
      immediate: true,
      handler() {
        if (this.dynamic) want(this.text);
      },
    },
  },
  template: `
    <p v-if="dynamic && (value || words)" class="hvc-preview" :class="{ wrong: value?.error, quiet: !value || value.text === '' || value.type === 'undefined' }" role="status">
      <template v-if="value?.error">{{ value.error }}</template><template v-else>{{ words }} <span v-if="value && value.type !== 'string' && value.type !== value.text" class="hv-muted">{{ value.type }}</span></template></p>`,
};
