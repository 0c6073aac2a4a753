// What fires, what is silenced, and the rules that ask for it.
import { Age, ago, ask, clock, Icon, order, renewed, Rules, store, Targets } from "hive-live";

const STEP = 25;

export default {
  components: { Age, Icon, Rules, Targets },
  mixins: [renewed(3000)],
  data: () => ({ shown: STEP, alerts: [], silences: [], rules: null, hushed: null, minutes: 60, reason: "" }),
  computed: { may: () => store.may, store: () => store },
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)), clockOf: (text) => clock(Date.parse(text)),
    values: (alert) => Object.entries(alert.values).map(([name, value]) => `${name} ${typeof value === "number" ? Math.round(value * 10) / 10 : value}`).join(", "),
    async load() {
      await this.each({
        alerts: [ask("alerts.list", { limit: 500 }), ({ alerts }) => (this.alerts = alerts)],
        silences: [ask("alerts.silences"), ({ silences }) => (this.silences = silences)],
        rules: [ask("alerts.rules"), (rules) => (this.rules = rules)],
      });
    },
    more() {
      this.shown += STEP;
    },
    async acknowledge(alert) {
      if (await order("alerts.acknowledge", { id: alert.id }, "Acknowledged.")) this.renew();
    },
    silence(alert) {
      Object.assign(this, { hushed: alert, reason: "", minutes: 60 });
      this.$nextTick(() => this.$refs.hush.showModal());
    },
    async hush() {
      const body = { rule: this.hushed.rule, entity: this.hushed.entity, minutes: Number(this.minutes), reason: this.reason.trim() };
      if (await order("alerts.silence", body, "Silenced.")) {
        this.$refs.hush.close();
        this.renew();
      }
    },
    async end(silence) {
      if (await order("alerts.end_silence", { id: silence.id }, "The silence is over.")) this.renew();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <h1 id="sheet-title">Alerts</h1><Age :at="at" :failure="failure"/><Age v-bind="parts.alerts" what="What fires"/>
      <div class="hv-card hv-plain"><table v-if="alerts.length"><thead><tr><th>State</th><th>What</th><th>Since</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="alert in alerts.slice(0, shown)" :key="alert.id"><td><span class="hv-state" :data-state="alert.state"><i class="hv-dot" aria-hidden="true"></i>{{ alert.state }}</span><div class="hv-small hv-muted">{{ alert.severity }}</div></td><td><b>{{ alert.summary ?? alert.rule }}</b> <a v-if="alert.scope === 'agent'" :href="'/agents/' + alert.entity">{{ alert.entity }}</a><span v-else>{{ alert.entity }}</span><div class="hv-small hv-muted"><code>{{ alert.condition }}</code><template v-if="values(alert)">; read: {{ values(alert) }}</template></div><div v-if="alert.acknowledged_by || alert.reason" class="hv-small hv-muted">{{ alert.acknowledged_by ? "acknowledged by " + alert.acknowledged_by : alert.reason }}</div></td><td class="hv-keep" data-label="Since" :title="clockOf(alert.fired_at)">{{ ago(alert.fired_at) }}</td><td><div v-if="may.manage_alerts" class="hv-acts"><button v-if="alert.state === 'firing'" type="button" class="hv-quiet" :aria-label="'Acknowledge ' + alert.rule + ' of ' + alert.entity" @click="acknowledge(alert)">Acknowledge</button><button v-if="alert.state !== 'silenced'" type="button" class="hv-quiet" :aria-label="'Silence ' + alert.rule + ' of ' + alert.entity" @click="silence(alert)">Silence</button></div></td></tr></tbody></table>
        <div v-else-if="parts.alerts?.at" class="hv-empty"><Icon name="check"/><h3>Nothing fires</h3><p>An alert comes when a rule's condition holds. The rules are below; <code>docs/alerts.md</code> says how they are written.</p></div><div v-else-if="!failure && !parts.alerts?.failure" class="hv-lines" aria-label="Loading"><i v-for="n in 3" :key="n"></i></div></div>
      <p v-if="alerts.length > shown" class="hv-pager"><button type="button" class="hv-quiet" @click="more">Show more of {{ alerts.length }}</button></p>
      <section v-if="silences.length" class="hv-card hv-pad"><h2>Silences</h2><ul class="hv-why"><li v-for="item in silences" :key="item.id"><b>{{ [item.rule, item.entity, item.scope, item.severity].filter(Boolean).join(" · ") }}</b><span class="hv-muted">{{ item.reason }}, by {{ item.by }}, <template v-if="Date.parse(item.starts_at) > store.now">from {{ clockOf(item.starts_at) }} </template>until {{ clockOf(item.ends_at) }}</span><span class="hv-space"></span><button v-if="may.manage_alerts" type="button" class="hv-text" @click="end(item)">End</button></li></ul></section>
      <Age v-bind="parts.silences" what="What is silenced"/><Age v-bind="parts.rules" what="The list of rules"/>
      <Rules v-if="rules" :rules="rules" :may="may.manage_alerts" @changed="renew"/>
      <Targets v-if="may.manage_alert_targets" :rules="Object.keys(rules?.alerts ?? {})"/>
      <dialog ref="hush" class="hv-form-dialog" aria-labelledby="hush-title"><form v-if="hushed" @submit.prevent="hush"><h2 id="hush-title">Silence {{ hushed.rule }} of {{ hushed.entity }}</h2><label class="hv-field"><span>For how many minutes</span><input v-model="minutes" class="hv-input" type="number" min="1" max="43200" required></label><label class="hv-field"><span>Why</span><input v-model="reason" class="hv-input" required maxlength="500"></label><div class="hv-row-end"><button type="button" class="hv-quiet" @click="$refs.hush.close()">Leave it</button><button type="submit" class="hv-primary">Silence</button></div></form></dialog>
    </section>`,
};
