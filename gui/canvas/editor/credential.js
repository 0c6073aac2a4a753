// A credential of one type, new or to be changed: the fields that it has in n8n, or their JSON where they are not known here. What one
// holds comes back from nowhere, so that a field that is left empty stays as it is.
import { typeWords } from "./credentials.js";
import { send, state } from "./state.js";

export default {
  data: () => ({ name: "", shared: false, json: "{}", values: {}, busy: false }),
  computed: {
    making: () => state.making,
    type: () => state.making.type,
    words: () => typeWords(state.making.type),
    parts: () => state.parts[state.making.type] ?? null,
    failure: () => state.making.failure,
    found: () => state.making.found ?? null,
  },
  watch: {
    failure() {
      this.busy = false;
    },
  },
  created() {
    for (const part of this.parts ?? []) this.values[part.name] = this.found ? "" : part.default ?? "";
    if (this.found) return Object.assign(this, { name: this.found.name, shared: this.found.shared });
    this.name = `${this.words} ${(state.credentials ?? []).filter((each) => each.type === this.type).length + 1}`;
  },
  mounted() {
    this.$refs.dialog.showModal();
  },
  methods: {
    close() {
      state.making = null;
    },
    has(part) {
      return Boolean(this.found?.fields.includes(part.name));
    },
    data_() {
      if (!this.parts) return JSON.parse(this.json || "{}");
      const given = this.parts.filter((part) => this.values[part.name] !== "").map((part) => [part.name, part.number ? Number(this.values[part.name]) : this.values[part.name]]);
      return Object.fromEntries(given);
    },
    save() {
      try {
        const data = this.data_();
        this.busy = true;
        state.making.failure = null;
        const common = { name: this.name.trim(), shared: this.shared, data };
        if (this.found) send("change_credential", { id: this.found.id, ...common });
        else send("credential", { type: this.type, ...common });
      } catch (error) {
        state.making.failure = { code: "invalid_request", message: `This is not JSON: ${error.message}` };
      }
    },
  },
  template: `
    <dialog ref="dialog" class="hvc-dialog" aria-labelledby="credential-title" @cancel.prevent="close">
      <form class="hvc-form hvc-plain" autocomplete="off" @submit.prevent="save">
        <h2 id="credential-title">{{ found ? "Edit credential" : "New credential" }}: {{ words }}</h2>
        <p class="hv-small hv-muted">{{ found ? "What it holds is shown nowhere. A field that you leave empty stays as it is." : "It is sealed as it is stored, and nothing shows it again." }}</p>
        <label class="hvc-field"><span>Name</span><input v-model="name" class="hv-input" required maxlength="128"></label>
        <label v-for="part in parts" :key="part.name" class="hvc-field"><span>{{ part.label }}</span><input v-model="values[part.name]" class="hv-input" :type="part.secret ? 'password' : part.number ? 'number' : 'text'" :placeholder="has(part) ? 'stored, not shown' : ''" :autocomplete="part.secret ? 'new-password' : 'off'" spellcheck="false"></label>
        <label v-if="!parts" class="hvc-field"><span>{{ found ? "Fields to change as JSON, by n8n’s names; null takes one out. It has: " + (found.fields.join(", ") || "none") : "Its fields as JSON, by n8n’s names" }}</span><textarea v-model="json" class="hv-input hv-mono" rows="6" spellcheck="false"></textarea></label>
        <label class="hvc-check"><input v-model="shared" type="checkbox"><span>Others’ workflows may use it too</span></label>
        <p v-if="failure" class="hv-failure" role="alert">{{ failure.message }} <code class="hv-code">{{ failure.code }}</code></p>
        <div class="hvc-dialog-bar"><span class="hv-space"></span><button type="button" class="hv-ghost" @click="close">Cancel</button><button type="submit" class="hv-primary" :disabled="busy">{{ found ? "Save" : "Save and use it" }}</button></div>
      </form>
    </dialog>`,
};
