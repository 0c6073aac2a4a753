// A node's parameters: a form where its type has fields, and the JSON of all of them always.
import Field from "./field.js";
import { edit, editable, shortType, state } from "./state.js";

const get = (object, path) => path.split(".").reduce((found, name) => found?.[name], object);
function put(object, path, value) {
  const [name, ...rest] = path.split(".");
  const made = { ...object, [name]: rest.length ? put(object?.[name] ?? {}, rest.join("."), value) : value };
  if (made[name] === undefined) delete made[name];
  return made;
}

export default {
  components: { Field },
  props: { node: Object },
  data: () => ({ raw: false, wrong: "" }),
  computed: {
    editable: () => editable.value,
    parameters() {
      return this.node.parameters ?? {};
    },
    fields() {
      return state.types.find((kind) => kind.name === this.node.type)?.fields ?? [];
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
    save(parameters) {
      edit({ kind: "change", name: this.node.name, fields: { parameters } });
    },
    set(field, value) {
      this.save(put(this.parameters, field.name, value));
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
      <fieldset v-if="assigns" class="hvc-assign"><legend>Fields to set</legend>
        <div v-for="(each, place) in assignments" :key="each.id ?? place">
          <input class="hv-input" :value="each.name" aria-label="Field name" :disabled="!editable" @change="assign(place, { name: $event.target.value })">
          <select class="hv-input" :value="each.type ?? 'string'" aria-label="Field type" :disabled="!editable" @change="assign(place, { type: $event.target.value })"><option v-for="kind in ['string', 'number', 'boolean', 'array', 'object']" :key="kind">{{ kind }}</option></select>
          <button v-if="editable" type="button" class="hv-ghost hv-square" :aria-label="'Remove ' + each.name" @click="fewer(place)">×</button>
          <Field :field="{ label: 'Value', kind: 'text' }" :value="each.value" :disabled="!editable" @change="assign(place, { value: $event })"/>
        </div>
        <button v-if="editable" type="button" class="hv-quiet" @click="more">Add a field</button>
      </fieldset>
      <Field v-for="field in fields" :key="field.name" :field="field" :value="get(parameters, field.name)" :disabled="!editable" @change="set(field, $event)"/>
      <details class="hvc-json" :open="raw || (!fields.length && !assigns)"><summary>All parameters as JSON</summary>
        <textarea class="hv-input hv-mono" aria-label="Parameters as JSON" rows="12" :value="json" :readonly="!editable" spellcheck="false" @change="write($event.target.value)"></textarea>
        <p v-if="wrong" class="hv-failure" role="alert">{{ wrong }}</p>
      </details>
    </div>`,
};
