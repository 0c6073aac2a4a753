// System, light, dark: remembered by this browser.
import { Icon } from "hive-live";

const NEXT = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: "system", light: "sun", dark: "moon" };

export default {
  components: { Icon },
  data: () => ({ choice: localStorage.getItem("hive-theme") ?? "system" }),
  computed: {
    icon() {
      return ICONS[this.choice];
    },
    label() {
      return `Theme: ${this.choice}. Switch to ${NEXT[this.choice]}.`;
    },
  },
  methods: {
    change() {
      this.choice = NEXT[this.choice];
      const root = document.documentElement;
      if (this.choice === "system") {
        delete root.dataset.theme;
        localStorage.removeItem("hive-theme");
      } else {
        root.dataset.theme = this.choice;
        localStorage.setItem("hive-theme", this.choice);
      }
    },
  },
  template: `<button type="button" class="hv-ghost hv-square" :aria-label="label" :title="label" @click="change"><Icon :name="icon"/></button>`,
};
