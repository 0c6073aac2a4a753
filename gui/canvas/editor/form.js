// A node's parameters: a form where its type has fields, and the JSON of all of them always.
import Credentials from "./credentials.js";
import Fields from "./fields.js";
import Line from "./line.js";
import PreviewItem from "./previewitem.js";
import { edit, editable, send, state } from "./state.js";

// Conditions repeat what the node's own options say of them: n8n reads it there.
function agreed(parameters) {
  const loose = parameters.looseTypeValidation ?? parameters.options?.looseTypeValidation;
  const folded = parameters.options?.ignoreCase;
  const said = { ...(loose === undefined ? {} : { typeValidation: loose === true ? "loose" : "strict" }), ...(folded === undefined ? {} : { caseSensitive: folded !== true }) };
  const agree = (found) => (found?.conditions ? { ...found, options: { ...found.options, ...said } } : found);
  const made = { ...parameters };
  if (made.conditions) made.conditions = agree(made.conditions);
  if (made.rules?.values) made.rules = { ...made.rules, values: made.rules.values.map((rule) => ({ ...rule, conditions: agree(rule.conditions) })) };
  return made;
}

export default {
  components: { Credentials, Fields, Line, PreviewItem },
  props: { node: Object },
  data: () => ({ wrong: "", sent: null }),
  computed: {
    editable: () => editable.value,
    // What was sent counts until the server shows it: the next change may come before that, and is made to it.
    parameters() {
      return this.sent ?? this.node.parameters ?? {};
    },
    failure: () => state.failure,
    // undefined until they were told, null where the dashboard knows none.
    fields() {
      return state.forms[this.node.type];
    },
    json() {
      return JSON.stringify(this.parameters, null, 2);
    },
  },
  watch: {
    "node.parameters"(now) {
      if (JSON.stringify(now) === JSON.stringify(this.sent)) this.sent = null;
    },
    failure(now) {
      if (now) this.sent = null;
    },
  },
  created() {
    if (this.fields === undefined) send("form", this.node.type);
  },
  methods: {
    save(parameters) {
      this.sent = parameters;
      edit({ kind: "change", name: this.node.name, fields: { parameters } });
    },
    change(parameters) {
      this.save(agreed(parameters));
    },
    write(text) {
      try {
        const found = JSON.parse(text || "{}");
        if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Error("It is no object.");
        this.wrong = "";
        this.save(found);
      } catch (error) {
        this.wrong = `Not saved: ${error.message}`;
      }
    },
  },
  template: `
    <div class="hvc-form">
      <PreviewItem/>
      <Credentials :node="node"/>
      <Fields v-if="fields" :fields="fields" :value="parameters" :node="node" :disabled="!editable" @change="change"/>
      <p v-if="fields && !fields.length" class="hv-muted">There is nothing to set here.</p>
      <details class="hvc-json" :open="fields === null"><summary>All parameters as JSON</summary>
        <Line area class="hv-input hv-mono" aria-label="Parameters as JSON" rows="12" :value="json" :readonly="!editable" spellcheck="false" @change="write"/>
        <p v-if="wrong" class="hv-failure" role="alert">{{ wrong }}</p>
      </details>
    </div>`,
};
