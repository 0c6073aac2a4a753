// The form of the login page: name and password, the provider where there is one, or an API key.
import { Icon } from "hive-live";

export default {
  components: { Icon },
  props: { failure: Object, provider: String, wanted: String },
  emits: ["login", "enter"],
  data: () => ({ name: "", password: "", key: "", busy: "", refused: null }),
  computed: {
    shown() {
      return this.refused ?? this.failure;
    },
  },
  methods: {
    enter() {
      if (!this.name.trim() || !this.password || this.busy) return;
      this.busy = "enter";
      this.$emit("enter", { name: this.name.trim(), password: this.password });
    },
    login() {
      if (!this.key.trim() || this.busy) return;
      this.busy = "login";
      this.$emit("login", this.key.trim());
    },
    refuse(failure) {
      Object.assign(this, { busy: "", password: "", refused: failure });
    },
  },
  template: `
    <div class="hv-stack">
      <p v-if="shown" class="hv-failure" role="alert"><span>{{ shown.message }}</span> <code class="hv-code">{{ shown.code }}</code></p>
      <form class="hv-stack" aria-label="Sign in" @submit.prevent="enter">
        <label class="hv-field"><span>Name</span><input v-model="name" class="hv-input" name="username" autocomplete="username" spellcheck="false" autocapitalize="off" autofocus></label>
        <label class="hv-field"><span>Password</span><input v-model="password" class="hv-input" type="password" name="password" autocomplete="current-password"></label>
        <button type="submit" class="hv-primary" :disabled="!name.trim() || !password || !!busy">{{ busy === "enter" ? "Checking" : "Sign in" }}</button>
      </form>
      <a v-if="provider" class="hv-quiet" :href="'/login/oidc?next=' + encodeURIComponent(wanted)">Sign in with {{ provider }}</a>
      <form class="hv-stack" aria-label="Log in by key" @submit.prevent="login">
        <label class="hv-field"><span>API key</span>
          <input v-model="key" class="hv-input hv-mono" type="password" name="key" autocomplete="off" spellcheck="false" autocapitalize="off" placeholder="sk-hive-…">
        </label>
        <button type="submit" class="hv-quiet" :disabled="!key.trim() || !!busy">{{ busy === "login" ? "Checking" : "Log in" }}</button>
      </form>
    </div>`,
};
