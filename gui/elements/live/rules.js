// The rules of alerts: read by all, written one at a time by whoever may.
import { ask, confirmed, order, say } from "./asking.js";
import { clock } from "./format.js";
import Icon from "./icon.js";

const FEW = 10;
const NEW = () => ({ name: "", scope: "agent", condition: "", severity: "warning", for_seconds: 0, cooldown: 300, summary: "", enabled: true });
const METRICS = {
  agent: "agent_available, cpu_usage, memory_usage, gpu_usage, gpu_memory, gpu_temperature, tokens_per_second, active_tasks, completed, failed, cancelled, retries …",
  model: "completed, failed, cancelled, retries, success_rate, error_rate",
  workflow: "completed, failed, cancelled, retries, success_rate, error_rate",
  queue: "waiting, of each class and of pending",
};

export default {
  props: { rules: { type: Object, required: true }, may: Boolean },
  emits: ["changed"],
  components: { Icon },
  data: () => ({ form: NEW(), before: null, wrong: null, saving: false, tried: null, trying: false }),
  computed: {
    FEW: () => FEW,
    named() {
      return Object.entries(this.rules.alerts).sort(([a], [b]) => a.localeCompare(b));
    },
    source() {
      return { default: "Hive's own", file: "of the file HIVE_ALERT_RULES", stored: "as they were put" }[this.rules.source];
    },
    metrics() {
      return METRICS[this.form.scope];
    },
  },
  methods: {
    edit(name) {
      this.before = name ? this.rules.alerts[name] : null;
      this.form = name ? { ...this.before, name, summary: this.before.summary ?? "" } : NEW();
      this.wrong = this.tried = null;
      this.$refs.edit.showModal();
    },
    written() {
      const { name, ...rest } = this.form;
      return { ...rest, condition: rest.condition.trim(), summary: rest.summary.trim() || null, for_seconds: Number(rest.for_seconds), cooldown: Number(rest.cooldown) };
    },
    async dryRun() {
      if (this.trying || !this.$refs.condition.reportValidity()) return;
      this.trying = true;
      try {
        this.tried = await ask("alerts.dry_run", { rule: this.written() });
        this.wrong = null;
      } catch (failure) {
        Object.assign(this, { wrong: failure, tried: null });
      } finally {
        this.trying = false;
      }
    },
    moment: (text) => clock(Date.parse(text)),
    async save() {
      if (this.saving) return;
      const name = this.form.name, rule = this.written();
      this.saving = true;
      try {
        await ask("alerts.change_rule", { name: name.trim(), rule, before: this.before });
        this.$refs.edit.close();
        this.$emit("changed");
      } catch (failure) {
        this.wrong = failure;
      } finally {
        this.saving = false;
      }
    },
    async turn(name, before) {
      const rule = { ...before, enabled: !before.enabled };
      if (await order("alerts.change_rule", { name, rule, before }, rule.enabled ? "It is watched." : "It is watched no more.", () => this.turn(name, rule))) this.$emit("changed");
    },
    async remove(name, before) {
      const sure = await confirmed({ title: `Delete the rule ${name}?`, text: "What fires by it is resolved. To keep it for later, disable it.", action: "Delete rule" });
      if (sure && (await order("alerts.change_rule", { name, before }, "Deleted.", () => order("alerts.change_rule", { name, rule: before, before: null }, "It is there again.").then(() => this.$emit("changed"))))) this.$emit("changed");
    },
    async reset() {
      let put;
      try {
        put = (await ask("alerts.rules")).alerts; // what somebody has put since the page read them is among what is forgotten
      } catch (failure) {
        return say(failure.message, failure);
      }
      const names = Object.keys(put).sort();
      const said = names.length > FEW ? `${names.slice(0, FEW).join(", ")} and ${names.length - FEW} more` : names.join(", ") || "none";
      const text = `The rules that were put (${said}) are forgotten. Those of the file HIVE_ALERT_RULES hold again, or Hive's own where it names none. What fires by a rule that goes or changes is resolved; undoing brings the rule back, and not who acknowledged it.`;
      if (!(await confirmed({ title: "Reset all rules?", text, action: "Reset rules" }))) return;
      const after = await order("alerts.reset_rules", {}, "The rules are reset.", () => this.putBack(put, after));
      if (after) this.$emit("changed");
    },
    async putBack(put, after) {
      try {
        const now = await ask("alerts.rules");
        if (JSON.stringify(now) !== JSON.stringify(after)) return say("The rules were changed meanwhile. Put them back one by one.");
      } catch (failure) {
        return say(failure.message, failure);
      }
      if (await order("alerts.put_rules", { alerts: put }, "They are there again.")) this.$emit("changed");
    },
    seconds: (number) => (number ? `${number} s` : "–"),
  },
  template: `
    <section class="hv-card hv-plain" aria-labelledby="rules-title">
      <div class="hv-section hv-pad hv-sheet-head"><h2 id="rules-title">Rules</h2><span class="hv-muted hv-small">{{ source }}</span><span class="hv-space"></span><div class="hv-acts"><button v-if="may && rules.source === 'stored'" type="button" class="hv-quiet" title="Back to those of the file, or Hive's own" @click="reset">Reset rules …</button><button v-if="may" id="new-rule" type="button" class="hv-quiet" @click="edit(null)"><Icon name="plus"/>New rule</button></div></div>
      <table v-if="named.length"><thead><tr><th>Rule</th><th>Condition</th><th>Severity</th><th class="hv-right">Holds for</th><th class="hv-right">Rests for</th><th v-if="may"><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="[name, rule] in named" :key="name" :class="{ 'hv-off': !rule.enabled }">
        <td><b>{{ name }}</b> <span v-if="!rule.enabled" class="hv-tag">disabled</span><div class="hv-small hv-muted">{{ rule.summary }}</div></td><td><code>{{ rule.condition }}</code><div class="hv-small hv-muted">of each {{ rule.scope === "queue" ? "class of the queue" : rule.scope }}</div></td><td data-label="Severity">{{ rule.severity }}</td><td class="hv-right hv-num" data-label="Holds for" title="How long the condition holds before it fires">{{ seconds(rule.for_seconds) }}</td><td class="hv-right hv-num" data-label="Rests for" title="How long it fires not again for the same thing">{{ seconds(rule.cooldown) }}</td>
        <td v-if="may"><div class="hv-acts"><button type="button" class="hv-quiet" :aria-label="'Change ' + name" @click="edit(name)">Change</button><button type="button" class="hv-quiet" :aria-label="(rule.enabled ? 'Disable ' : 'Enable ') + name" @click="turn(name, rule)">{{ rule.enabled ? "Disable" : "Enable" }}</button><button type="button" class="hv-quiet hv-danger" :aria-label="'Delete ' + name" @click="remove(name, rule)">Delete</button></div></td></tr></tbody></table>
      <p v-else class="hv-pad hv-muted">No rule: nothing can fire.</p>
      <dialog ref="edit" class="hv-form-dialog" aria-labelledby="rule-title"><form @submit.prevent="save"><h2 id="rule-title">{{ before ? "Change " + form.name : "New rule" }}</h2><p v-if="wrong" class="hv-failure" role="alert">{{ wrong.message }} <code class="hv-code">{{ wrong.code }}</code></p>
        <label v-if="!before" class="hv-field"><span>Name</span><input v-model="form.name" class="hv-input" required maxlength="63" pattern="[A-Za-z0-9_\\-]+" title="Letters, digits, _ and -" placeholder="too_hot"></label>
        <div class="hv-filter-row"><label class="hv-field"><span>Held against each</span><select v-model="form.scope" class="hv-input"><option value="agent">agent</option><option value="model">model</option><option value="workflow">workflow</option><option value="queue">class of the queue</option></select></label><label class="hv-field"><span>Severity</span><select v-model="form.severity" class="hv-input"><option>info</option><option>warning</option><option>critical</option></select></label></div>
        <label class="hv-field"><span>Condition</span><textarea ref="condition" v-model="form.condition" class="hv-input hv-mono" rows="2" required maxlength="500" spellcheck="false" placeholder="avg(gpu_temperature, 300) > 85 and active_tasks > 0" aria-describedby="rule-metrics"></textarea></label>
        <p id="rule-metrics" class="hv-small hv-muted">Metrics: {{ metrics }}. <code>avg</code>, <code>max</code>, <code>min</code> and <code>rate</code> take one and seconds.</p>
        <div class="hv-filter-row"><label class="hv-field"><span>Fires once it held for (s)</span><input v-model="form.for_seconds" class="hv-input" type="number" min="0" max="86400" step="any" required></label><label class="hv-field"><span>Then rests for (s)</span><input v-model="form.cooldown" class="hv-input" type="number" min="0" max="86400" step="any" required></label></div>
        <label class="hv-field"><span>What it says</span><input v-model="form.summary" class="hv-input" maxlength="500" placeholder="A card is too hot"></label>
        <label class="hv-check"><input v-model="form.enabled" type="checkbox"> Watched</label>
        <section v-if="tried" class="hv-small" aria-label="When it would have fired" aria-live="polite"><p v-if="!tried.firings.length">Since {{ moment(tried.since) }} it would not have fired for any of {{ tried.entities }} {{ form.scope === "queue" ? "classes" : form.scope + "s" }}.</p><template v-else><p>It would have fired {{ tried.firings.length }}{{ tried.more ? " times and more" : tried.firings.length === 1 ? " time" : " times" }} since {{ moment(tried.since) }}:</p><ul class="hv-why"><li v-for="one in tried.firings.slice(-FEW)" :key="one.entity + one.fired_at"><b>{{ one.entity }}</b><span class="hv-muted">{{ moment(one.fired_at) }} – {{ one.resolved_at ? moment(one.resolved_at) : "now" }}</span></li></ul></template><p v-if="tried.unknown.length">Nothing is stored of {{ tried.unknown.join(", ") }}: what hangs on it is unknown.</p></section>
        <div class="hv-row-end"><button type="button" class="hv-quiet" :disabled="trying" @click="dryRun">When would it have fired?</button><span class="hv-space"></span><button type="button" class="hv-quiet" @click="$refs.edit.close()">Leave it</button><button type="submit" class="hv-primary" :disabled="saving">Save rule</button></div></form></dialog>
    </section>`,
};
