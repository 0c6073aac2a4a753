// The form of the login page.
import { Icon } from "hive-live";

export default {
  components: { Icon },
  props: { failure: Object },
  emits: ["login"],
  data: () => ({ key: "", busy: false, refused: null }),
  computed: {
    shown() {
      return this.refused ?? this.failure;
    },
  },
  methods: {
    login() {
      if (!this.key.trim() || this.busy) return;
      this.busy = true;
      this.$emit("login", this.key.trim());
    },
    refuse(failure) {
      Object.assign(this, { busy: false, refused: failure });
    },
  },
  template: `
    <div><form @submit.prevent="login">
      <p v-if="shown" class="hv-failure" role="alert"><span>{{ shown.message }}</span> <code class="hv-code">{{ shown.code }}</code></p>
      <label class="hv-field"><span>API key</span>
        <input v-model="key" class="hv-input hv-mono" type="password" name="key" autocomplete="current-password" spellcheck="false" autocapitalize="off" placeholder="sk-hive-…" autofocus>
      </label>
      <button type="submit" class="hv-primary" :disabled="!key.trim() || busy">{{ busy ? "Checking" : "Log in" }}</button>
    </form></div>`,
};
