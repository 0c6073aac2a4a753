// A credential of one type, new or to be changed: the fields that it has in n8n, or their JSON where they are not known here. What one
// holds comes back from nowhere, so that a field that is left empty stays as it is.
import { typeWords } from "./credentials.js";
import { send, state } from "./state.js";

export default {
  data: () => ({ name: "", shared: false, json: "{}", values: {}, busy: false, asks: false, trying: false, url: "" }),
  computed: {
    making: () => state.making,
    type: () => state.making.type,
    words: () => typeWords(state.making.type),
    parts: () => state.parts[state.making.type] ?? null,
    failure: () => state.making.failure,
    found: () => state.making.found ?? null,
    tried: () => state.making.tried ?? null,
  },
  watch: {
    failure() {
      this.busy = false;
    },
    tried(now) {
      if (now) this.trying = false;
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
    attempt() {
      this.trying = true;
      state.making.tried = null;
      send("try_credential", { id: this.found.id, ...(this.url.trim() ? { url: this.url.trim() } : {}) });
    },
    remove() {
      this.busy = true;
      state.making.failure = null;
      send("delete_credential", this.found.id);
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
        <p v-if="tried" class="hvc-tried" :data-ok="tried.ok && tried.tried" role="status">{{ tried.message }}</p>
        <label v-if="tried && (url || !tried.tried)" class="hvc-field"><span>Address to try it at, by a GET that changes nothing there</span><input v-model="url" class="hv-input" type="url" placeholder="https://" spellcheck="false"></label>
        <p v-if="failure" class="hv-failure" role="alert">{{ failure.message }} <code class="hv-code">{{ failure.code }}</code></p>
        <div v-if="asks" class="hvc-dialog-bar hvc-sure" role="group" aria-label="Delete the credential?"><span>Nodes that name it fail from then on.</span><button type="button" class="hv-quiet hv-danger" :disabled="busy" @click="remove">Delete it</button><button type="button" class="hv-ghost" @click="asks = false">Keep it</button></div>
        <div class="hvc-dialog-bar"><template v-if="found"><button type="button" class="hv-quiet hv-danger" :disabled="asks" @click="asks = true">Delete</button><button type="button" class="hv-quiet" title="What is stored is tried, not what stands here" :disabled="trying" @click="attempt">{{ trying ? "Trying …" : "Try it" }}</button></template><span class="hv-space"></span><button type="button" class="hv-ghost" @click="close">Cancel</button><button type="submit" class="hv-primary" :disabled="busy">{{ found ? "Save" : "Save and use it" }}</button></div>
      </form>
    </dialog>`,
};
