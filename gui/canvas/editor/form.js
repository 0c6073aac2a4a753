// A node's parameters: a form where its type has fields, and the JSON of all of them always.
import Conditions from "./conditions.js";
import Credentials from "./credentials.js";
import Field from "./field.js";
import { OlderConditions, OlderRules } from "./older.js";
import PreviewItem from "./previewitem.js";
import Rules from "./rules.js";
import Schedule from "./schedule.js";
import { edit, editable, shortType, state } from "./state.js";

const get = (object, path) => path.split(".").reduce((found, name) => found?.[name], object);
function put(object, path, value) {
  const [name, ...rest] = path.split(".");
  const made = { ...object, [name]: rest.length ? put(object?.[name] ?? {}, rest.join("."), value) : value };
  if (made[name] === undefined) delete made[name];
  return made;
}

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
  components: { Conditions, Credentials, Field, OlderConditions, OlderRules, PreviewItem, Rules, Schedule },
  props: { node: Object },
  data: () => ({ raw: false, wrong: "" }),
  computed: {
    editable: () => editable.value,
    parameters() {
      return this.node.parameters ?? {};
    },
    fields() {
      const all = state.types.find((kind) => kind.name === this.node.type)?.fields ?? [];
      const version = Number(this.node.typeVersion ?? 1);
      const of = all.filter((field) => version >= (field.since ?? 1) && version < (field.before ?? Infinity));
      return of.filter((field) => this.matters(field, of));
    },
    json() {
      return JSON.stringify(this.parameters, null, 2);
    },
    assignments() {
      return this.parameters.assignments?.assignments ?? [];
    },
    assigns() {
      return shortType(this.node.type) === "set" && Number(this.node.typeVersion) >= 3.3 && this.parameters.mode !== "raw";
    },
  },
  methods: {
    get,
    // What an expression decides is known only when it runs.
    matters({ when: [name, ...values] }, all) {
      if (!name) return true;
      const other = all.find((field) => field.name === name);
      const value = String(get(this.parameters, name) ?? other?.default ?? "");
      return (values.includes(value) || value.startsWith("=")) && (!other || this.matters(other, all));
    },
    save(parameters) {
      edit({ kind: "change", name: this.node.name, fields: { parameters } });
    },
    set(field, value) {
      this.save(agreed(put(this.parameters, field.name, value)));
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
    assign(place, change) {
      const made = this.assignments.map((each, index) => (index === place ? { ...each, ...change } : each)).filter(Boolean);
      this.save(put(this.parameters, "assignments.assignments", made));
    },
    more() {
      const made = [...this.assignments, { id: crypto.randomUUID?.() ?? String(Date.now()), name: `field${this.assignments.length + 1}`, value: "", type: "string" }];
      this.save(put(this.parameters, "assignments.assignments", made));
    },
    fewer(place) {
      this.save(put(this.parameters, "assignments.assignments", this.assignments.filter((_, index) => index !== place)));
    },
  },
  template: `
    <div class="hvc-form">
      <PreviewItem/>
      <Credentials :node="node"/>
      <fieldset v-if="assigns" class="hvc-assign"><legend>Fields to set</legend>
        <div v-for="(each, place) in assignments" :key="each.id ?? place">
          <input class="hv-input" :value="each.name" aria-label="Field name" :disabled="!editable" @change="assign(place, { name: $event.target.value })">
          <select class="hv-input" :value="each.type ?? 'string'" aria-label="Field type" :disabled="!editable" @change="assign(place, { type: $event.target.value })"><option v-for="kind in ['string', 'number', 'boolean', 'array', 'object']" :key="kind">{{ kind }}</option></select>
          <button v-if="editable" type="button" class="hv-ghost hv-square" :aria-label="'Remove ' + each.name" @click="fewer(place)">×</button>
          <Field :field="{ label: 'Value', kind: 'text' }" :value="each.value" :disabled="!editable" @change="assign(place, { value: $event })"/>
        </div>
        <button v-if="editable" type="button" class="hv-quiet" @click="more">Add a field</button>
      </fieldset>
      <template v-for="field in fields" :key="field.name">
        <Conditions v-if="field.kind === 'conditions'" :value="get(parameters, field.name)" :disabled="!editable" @change="set(field, $event)"/>
        <OlderConditions v-else-if="field.kind === 'older_conditions'" :value="get(parameters, field.name)" :disabled="!editable" @change="set(field, $event)"/>
        <OlderRules v-else-if="field.kind === 'older_rules'" :node="node" :value="get(parameters, field.name)" :disabled="!editable" @change="set(field, $event)"/>
        <Schedule v-else-if="field.kind === 'schedule'" :value="get(parameters, field.name)" :disabled="!editable" @change="set(field, $event)"/>
        <Rules v-else-if="field.kind === 'rules'" :node="node" :value="get(parameters, field.name)" :disabled="!editable" @change="set(field, $event)"/>
        <Field v-else :field="field" :value="get(parameters, field.name)" :disabled="!editable" @change="set(field, $event)"/>
      </template>
      <details class="hvc-json" :open="raw || (!fields.length && !assigns)"><summary>All parameters as JSON</summary>
        <textarea class="hv-input hv-mono" aria-label="Parameters as JSON" rows="12" :value="json" :readonly="!editable" spellcheck="false" @change="write($event.target.value)"></textarea>
        <p v-if="wrong" class="hv-failure" role="alert">{{ wrong }}</p>
      </details>
    </div>`,
};
