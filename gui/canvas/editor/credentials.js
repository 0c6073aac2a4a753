// The credentials that a node uses: one of those that are stored for each type that its parameters choose.
import { edit, editable, send, state } from "./state.js";

const KNOWN = { httpBasicAuth: "User and password", httpDigestAuth: "Digest", httpHeaderAuth: "Header", httpQueryAuth: "In the query", httpBearerAuth: "Bearer token", httpCustomAuth: "As JSON says", oAuth2Api: "OAuth 2", jwtAuth: "JWT", smtp: "SMTP" };
const OAUTH2 = /OAuth2(Api)?$/;
export const typeWords = (type) => KNOWN[type] ?? type;

export default {
  props: { node: Object },
  setup: () => ({ state, typeWords }),
  computed: {
    editable: () => editable.value,
    types() {
      return state.ports[this.node.name]?.credentials ?? [];
    },
  },
  watch: {
    types: { immediate: true, handler: "ask" },
  },
  methods: {
    ask() {
      if (this.types.length && !state.credentials && state.may.credentials) send("credentials");
    },
    named(type) {
      const found = this.node.credentials?.[type];
      return typeof found === "string" ? { name: found } : found;
    },
    of: (type) => (state.credentials ?? []).filter((each) => each.type === type),
    // As the engine finds it: by an id of Hive's or of n8n's, else by its name.
    chosen(type) {
      const found = this.named(type);
      if (!found) return null;
      const all = this.of(type);
      return all.find((each) => each.id === found.id) ?? all.find((each) => each.n8n_id && each.n8n_id === found.id) ?? all.find((each) => each.name === found.name) ?? null;
    },
    missing(type) {
      return this.named(type) && state.credentials && !this.chosen(type);
    },
    unconnected(type) {
      const found = this.chosen(type);
      return found && !found.connected_at && OAUTH2.test(type) ? found : null;
    },
    choose(type, id) {
      const made = { ...this.node.credentials };
      const found = this.of(type).find((each) => each.id === id);
      if (found) made[type] = { id: found.id, name: found.name };
      else delete made[type];
      edit({ kind: "change", name: this.node.name, fields: { credentials: Object.keys(made).length ? made : null } });
    },
    make(type) {
      state.making = { type, failure: null, tried: null };
    },
    change(found) {
      state.making = { type: found.type, found, failure: null, tried: null };
    },
    connect(found) {
      state.connecting = null;
      send("connect", found.id);
    },
  },
  template: `
    <fieldset v-if="types.length" class="hvc-assign"><legend>Credentials</legend>
      <div v-for="type in types" :key="type" class="hvc-credential">
        <label class="hvc-field"><span>{{ typeWords(type) }}</span>
          <select v-if="state.may.credentials" class="hv-input" :aria-label="'Credential: ' + typeWords(type)" :value="chosen(type)?.id ?? (named(type) ? 'named' : '')" :disabled="!editable" @change="choose(type, $event.target.value)">
            <option value="">None</option><option v-if="named(type) && !chosen(type)" value="named">{{ named(type).name ?? named(type).id }}</option>
            <option v-for="each in of(type)" :key="each.id" :value="each.id">{{ each.name }}{{ each.shared ? " (shared)" : "" }}</option></select>
          <span v-else>{{ named(type)?.name ?? "none" }}</span></label>
        <button v-if="editable && state.may.credentials" type="button" class="hv-quiet" :aria-label="'New credential: ' + typeWords(type)" @click="make(type)">New</button>
        <button v-if="editable && chosen(type)?.changeable" type="button" class="hv-quiet" :aria-label="'Edit credential: ' + chosen(type).name" @click="change(chosen(type))">Edit</button>
        <p v-if="missing(type)" class="hv-small hv-error">There is no such credential that you may use. Choose another, or make it.</p>
        <p v-if="unconnected(type)" class="hv-small">It is not connected yet. <a v-if="state.connecting?.id === unconnected(type).id" class="hv-text" :href="state.connecting.url" target="_blank" rel="noopener">Open the provider’s page</a><button v-else type="button" class="hv-text" @click="connect(unconnected(type))">Connect it</button></p>
      </div>
    </fieldset>`,
};
