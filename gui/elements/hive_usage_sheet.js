// What was used and by whom, day by day and in all; and how much may be.
import { Age, ask, Icon, order, renewed, store } from "hive-live";

const NAMES = { user: "User", key: "Key", model: "Model", workflow: "Workflow", day: "Day" };

export default {
  components: { Age, Icon },
  mixins: [renewed(10000)],
  data: () => ({ by: "user", rows: [], since: "", until: "", quotas: [], slow: [], form: { kind: "user", name: "", most: 1000000, unit: "tokens", period: "day" } }),
  computed: { may: () => store.may, names: () => NAMES },
  watch: {
    by() {
      this.again();
    },
  },
  methods: {
    number: (value) => Math.round(value).toLocaleString("en"),
    energy: (value) => (value == null ? "–" : value.toLocaleString("en", { maximumFractionDigits: 1 })),
    // Of a quota: few watt hours are as much as many tokens.
    amount(quota, value) {
      return quota.unit === "watt_hours" ? this.energy(value) : this.number(value);
    },
    share: (quota) => (quota.most ? Math.min(100, Math.round((100 * quota.used) / quota.most)) : 100),
    async load() {
      const by = this.by;
      await this.each({
        report: [ask("usage.report", { by }), ({ rows, since, until }) => by === this.by && Object.assign(this, { rows, since, until })],
        quotas: [ask("usage.quotas"), ({ quotas }) => (this.quotas = quotas)],
        slow: [ask("usage.slow_hosts"), ({ hosts }) => (this.slow = hosts)],
      });
    },
    async put() {
      const body = { ...this.form, name: this.form.name.trim(), most: Number(this.form.most) };
      if (await order("usage.put_quota", body, "The quota is set.")) {
        this.$refs.quota.close();
        this.renew();
      }
    },
    async remove({ kind, name, unit, period, most }) {
      const again = () => order("usage.put_quota", { kind, name, unit, period, most }, "The quota is set again.").then(() => this.renew());
      if (await order("usage.remove_quota", { kind, name, unit, period }, "The quota is removed.", again)) this.renew();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <h1 id="sheet-title">Usage</h1><Age :at="at" :failure="failure"/><Age v-bind="parts.slow" what="Which hosts are slow"/>
      <section v-if="slow.length" class="hv-card hv-pad" aria-labelledby="slow-title"><h2 id="slow-title">Slower than they were</h2><ul class="hv-why"><li v-for="host in slow" :key="host.agent_id + host.model"><a :href="'/agents/' + host.agent_id">{{ host.agent_id }}</a><span>{{ host.text }}</span></li></ul></section>
      <div class="hv-filter-row"><label class="hv-field"><span>By</span><select v-model="by" class="hv-input"><option v-for="(label, name) in names" :key="name" :value="name">{{ label }}</option></select></label><p v-if="since" class="hv-small hv-muted">{{ since }} to {{ until }}, days of UTC</p></div>
      <Age v-bind="parts.report" what="What was used"/><div class="hv-card hv-plain"><table v-if="rows.length"><thead><tr><th>{{ names[by] }}</th><th>Tasks</th><th>Prompt tokens</th><th>Answer tokens</th><th>Seconds</th><th>Wh</th></tr></thead><tbody><tr v-for="row in rows" :key="row.name ?? ''"><td class="hv-keep">{{ row.name ?? "none" }}</td><td class="hv-keep" data-label="Tasks">{{ number(row.tasks) }}</td><td class="hv-keep" data-label="Prompt tokens">{{ number(row.prompt_tokens) }}</td><td class="hv-keep" data-label="Answer tokens">{{ number(row.completion_tokens) }}</td><td class="hv-keep" data-label="Seconds">{{ number(row.seconds) }}</td><td class="hv-keep" data-label="Wh">{{ energy(row.watt_hours) }}</td></tr></tbody></table>
        <div v-else-if="parts.report?.at" class="hv-empty"><Icon name="bars"/><h3>Nothing was used yet</h3><p>What a task used is counted when it has ended.</p></div><div v-else-if="!failure && !parts.report?.failure" class="hv-lines" aria-label="Loading"><i v-for="n in 3" :key="n"></i></div></div>
      <section class="hv-card hv-pad" aria-labelledby="quota-title"><h2 id="quota-title">Quotas</h2><Age v-bind="parts.quotas" what="Who may use how much"/><ul v-if="quotas.length" class="hv-why"><li v-for="quota in quotas" :key="quota.kind + quota.name + quota.unit + quota.period"><b>{{ quota.kind }} {{ quota.name }}</b><span class="hv-muted">{{ amount(quota, quota.used) }} of {{ amount(quota, quota.most) }} {{ quota.unit.replace("_", " ") }} a {{ quota.period }} ({{ share(quota) }} %)</span><span class="hv-space"></span><button v-if="may.manage_quotas" type="button" class="hv-text" :aria-label="'Remove the quota of ' + quota.name" @click="remove(quota)">Remove</button></li></ul><p v-else-if="parts.quotas?.at" class="hv-muted">There are none: everybody may use what there is.</p><p v-if="may.manage_quotas" class="hv-row-end"><button type="button" class="hv-quiet" @click="$refs.quota.showModal()">Set a quota</button></p></section>
      <dialog ref="quota" class="hv-form-dialog" aria-labelledby="put-title"><form @submit.prevent="put"><h2 id="put-title">Set a quota</h2><label class="hv-field"><span>Of a</span><select v-model="form.kind" class="hv-input"><option value="user">user</option><option value="key">key</option><option value="workflow">workflow</option></select></label><label class="hv-field"><span>{{ form.kind === "user" ? "Name" : "The " + form.kind + "'s id" }}</span><input v-model="form.name" class="hv-input" required maxlength="64"></label><label class="hv-field"><span>At most</span><input v-model="form.most" class="hv-input" type="number" min="0" step="any" required></label><label class="hv-field"><span>Of</span><select v-model="form.unit" class="hv-input"><option>tokens</option><option>seconds</option><option value="watt_hours">watt hours</option></select></label><label class="hv-field"><span>In a</span><select v-model="form.period" class="hv-input"><option>day</option><option>month</option></select></label><div class="hv-row-end"><button type="button" class="hv-quiet" @click="$refs.quota.close()">Leave it</button><button type="submit" class="hv-primary">Set</button></div></form></dialog>
    </section>`,
};
