// A text that is typed: it stays in sight until it comes back as the value, whatever is drawn anew meanwhile. `change` gives it, and what takes it back.
export default {
  props: { value: null, area: Boolean },
  emits: ["change"],
  data: () => ({ typed: null }),
  watch: {
    value() {
      this.typed = null;
    },
  },
  computed: {
    text() {
      return this.typed ?? this.value ?? "";
    },
  },
  methods: {
    give(event) {
      this.$emit("change", event.target.value, () => (this.typed = null));
    },
  },
  template: `
    <textarea v-if="area" :value="text" @input="typed = $event.target.value" @change="give"></textarea>
    <input v-else :value="text" @input="typed = $event.target.value" @change="give">`,
};
