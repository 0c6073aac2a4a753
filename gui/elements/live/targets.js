// Where alerts are sent. An address is written here and never read back: it holds secrets.
import Age from "./age.js";
import { ask, confirmed, order, renewed } from "./asking.js";
import { ago } from "./format.js";
import Icon from "./icon.js";
import { store } from "./store.js";

const SEVERITIES = ["critical", "warning", "info"];
const ALSO = ["resolved", "acknowledged", "silenced"];
const NEW = () => ({ name: "", url: "", severities: [], rules: [], also: ["resolved"], group_seconds: 5, enabled: true });

export default {
  props: { rules: { type: Array, required: true } },
  components: { Age, Icon },
  mixins: [renewed(5000)],
  data: () => ({ targets: [], form: NEW(), known: false, wrong: null, saving: false, trying: null, severities: SEVERITIES, changes: ALSO }),
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)),
    async load() {
      this.targets = (await ask("alerts.targets")).targets;
    },
    about: (target) => [target.severities.join(", ") || "all severities", target.rules.join(", ") || "all rules"].join(" · "),
    edit(target) {
      const { name, severities, rules, also, group_seconds, enabled } = target ?? NEW();
      Object.assign(this, { form: { name, url: "", severities, rules, also, group_seconds, enabled }, known: Boolean(target), wrong: null });
      this.$refs.edit.showModal();
    },
    async save() {
      if (this.saving) return;
      const { name, url, ...rest } = this.form;
      this.saving = true;
      try {
        await ask("alerts.put_target", { ...rest, name: name.trim(), url: url.trim() || null, group_seconds: Number(rest.group_seconds) });
        this.form = NEW();
        this.$refs.edit.close();
        this.again();
      } catch (failure) {
        this.wrong = failure;
      } finally {
        this.saving = false;
      }
    },
    async test(target) {
      this.trying = target.name;
      await order("alerts.test_target", { name: target.name }, `${target.name} took a test.`);
      this.trying = null;
    },
    async remove(target) {
      const sure = await confirmed({ title: `Send nothing to ${target.name} any more?`, text: "What waits to be sent there is not sent.", action: "Remove target" });
      if (sure && (await order("alerts.remove_target", { name: target.name }, "Removed."))) this.again();
    },
  },
  template: `
    <section class="hv-card hv-plain" aria-labelledby="targets-title">
      <div class="hv-section hv-pad hv-sheet-head"><h2 id="targets-title">Where alerts are sent</h2><span class="hv-space"></span><button type="button" class="hv-quiet" @click="edit(null)"><Icon name="plus"/>New target</button></div>
      <Age :at="at" :failure="failure" what="Where alerts are sent"/>
      <table v-if="targets.length"><thead><tr><th>Target</th><th>What</th><th>Last sent</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="target in targets" :key="target.name" :class="{ 'hv-off': !target.enabled }">
        <td><b>{{ target.name }}</b> <span v-if="!target.enabled" class="hv-tag">disabled</span><div class="hv-small hv-muted">{{ target.kind }}<template v-if="target.source === 'settings'">, of the settings</template></div></td><td>{{ about(target) }}<div v-if="target.failure" class="hv-small">Not taken: {{ target.failure }}</div></td><td class="hv-keep" data-label="Last sent">{{ target.sent_at ? ago(target.sent_at) : "–" }}<div v-if="target.waiting" class="hv-small hv-muted">{{ target.waiting }} wait</div></td>
        <td><div class="hv-acts"><button type="button" class="hv-quiet" :disabled="trying === target.name" :aria-label="'Send a test to ' + target.name" @click="test(target)">Test</button><template v-if="target.source === 'stored'"><button type="button" class="hv-quiet" :aria-label="'Change ' + target.name" @click="edit(target)">Change</button><button type="button" class="hv-quiet hv-danger" :aria-label="'Remove ' + target.name" @click="remove(target)">Remove</button></template></div></td></tr></tbody></table>
      <p v-else-if="at" class="hv-pad hv-muted">Nobody is called: alerts are shown here only.</p>
      <dialog ref="edit" class="hv-form-dialog" aria-labelledby="target-title"><form autocomplete="off" @submit.prevent="save"><h2 id="target-title">{{ known ? "Change " + form.name : "New target" }}</h2><p v-if="wrong" class="hv-failure" role="alert">{{ wrong.message }} <code class="hv-code">{{ wrong.code }}</code></p>
        <label v-if="!known" class="hv-field"><span>Name</span><input v-model="form.name" class="hv-input" required maxlength="63" pattern="[A-Za-z0-9_\\-]+" title="Letters, digits, _ and -" placeholder="phones"></label>
        <label class="hv-field"><span>Address</span><input v-model="form.url" class="hv-input hv-mono" type="password" autocomplete="new-password" :required="!known" maxlength="2000" :placeholder="known ? 'as it was' : 'ntfy://hive-alerts'" aria-describedby="target-help"></label>
        <p id="target-help" class="hv-small hv-muted">As apprise writes it: <code>mailto://</code>, <code>slack://</code>, <code>discord://</code>, <code>ntfy://</code>, <code>json://</code> …; or <code>alertmanager://host:9093</code>. It is sealed, and never shown again.</p>
        <fieldset class="hv-field"><legend>Only of these severities (none: all)</legend><label v-for="one in severities" :key="one" class="hv-check"><input v-model="form.severities" type="checkbox" :value="one"> {{ one }}</label></fieldset>
        <label class="hv-field"><span>Only of these rules (none: all)</span><select v-model="form.rules" class="hv-input" multiple><option v-for="one in rules" :key="one">{{ one }}</option></select></label>
        <fieldset class="hv-field"><legend>Beside what fires, also what is</legend><label v-for="one in changes" :key="one" class="hv-check"><input v-model="form.also" type="checkbox" :value="one"> {{ one }}</label></fieldset>
        <label class="hv-field"><span>Gathers alerts of a rule for (s)</span><input v-model="form.group_seconds" class="hv-input" type="number" min="0" max="3600" step="any" required></label>
        <label class="hv-check"><input v-model="form.enabled" type="checkbox"> Enabled</label>
        <div class="hv-row-end"><button type="button" class="hv-quiet" @click="$refs.edit.close()">Leave it</button><button type="submit" class="hv-primary" :disabled="saving">Save target</button></div></form></dialog>
    </section>`,
};
