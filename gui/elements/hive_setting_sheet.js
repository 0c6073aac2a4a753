// One's password, keys, join tokens and windows of maintenance. A secret is shown once, and lives in this tab alone.
import { Age, ago, ask, clock, confirmed, Icon, order, renewed, store } from "hive-live";

export default {
  components: { Age, Icon },
  mixins: [renewed(10000)],
  data: () => ({ keys: [], tokens: [], windows: [], secret: null, own: { current: "", new: "" }, key: { owner: "", role: "developer", name: "", models: "", scopes: "", days: "" }, token: { name: "", uses: 1, hours: 24 }, plan: { agents: "", hours: 1, reason: "" } }),
  computed: { may: () => store.may },
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)), clockOf: (text) => clock(Date.parse(text)),
    async load() {
      const none = { keys: [], tokens: [], windows: [] };
      const [keys, tokens, windows] = await Promise.all([store.may.manage_keys ? ask("keys.list") : none, store.may.manage_agents ? ask("join-tokens.list", { limit: 50 }) : none, store.may.view_agents ? ask("maintenance.list", { limit: 20 }) : none]);
      Object.assign(this, { keys: keys.keys, tokens: tokens.tokens, windows: windows.windows });
    },
    reveal(title, text, hint) {
      this.secret = { title, text, hint };
      this.$nextTick(() => this.$refs.secret.showModal());
    },
    async changePassword() {
      const given = { ...this.own };
      this.own = { current: "", new: "" };
      if (await order("users.change_password", given, "Changed. Sign in with the new one.")) this.renew();
    },
    async makeKey() {
      const words = (text) => text.split(/[\s,]+/).filter(Boolean);
      const ends = this.key.days ? { expires_at: new Date(store.now + this.key.days * 86400e3).toISOString() } : {};
      const made = await order("keys.create", { owner: this.key.owner.trim(), role: this.key.role, models: words(this.key.models), scopes: words(this.key.scopes), ...ends, ...(this.key.name.trim() ? { name: this.key.name.trim() } : {}) });
      if (!made) return;
      this.key = { owner: "", role: "developer", name: "", models: "", scopes: "", days: "" };
      this.reveal("The new key", made.key, "It is shown this once. Hive keeps only its hash; whoever loses it makes a new one.");
      this.renew();
    },
    async revoke(key) {
      const sure = await confirmed({ title: `Revoke the key ${key.prefix}… of ${key.owner}?`, text: "Whoever uses it is refused at once. It cannot be taken back.", action: "Revoke key" });
      if (sure && (await order("keys.revoke", { id: key.id }, "Revoked."))) this.renew();
    },
    async makeToken() {
      const made = await order("join-tokens.create", { uses: Number(this.token.uses), expires_seconds: Math.round(this.token.hours * 3600), ...(this.token.name.trim() ? { name: this.token.name.trim() } : {}) });
      if (!made) return;
      this.reveal("Have the host join", `hive join ${made.token}`, "Run this on the host. The token is shown this once.");
      this.renew();
    },
    async revokeToken(token) {
      const sure = await confirmed({ title: "Revoke this join token?", text: "No further host can join with it. Hosts that have joined stay.", action: "Revoke token" });
      if (sure && (await order("join-tokens.revoke", { id: token.id }, "Revoked."))) this.renew();
    },
    async makePlan() {
      const names = this.plan.agents.split(/[\s,]+/).filter(Boolean);
      const ends_at = new Date(store.now + this.plan.hours * 3600e3).toISOString();
      if (!(await order("maintenance.plan", { agents: names, ends_at, reason: this.plan.reason.trim() }, "They rest until it is over."))) return;
      this.plan = { agents: "", hours: 1, reason: "" };
      this.renew();
    },
    async endPlan(item) {
      if (await order("maintenance.cancel", { id: item.id }, "It is over.")) this.renew();
    },
    shut() {
      this.$refs.secret.close();
      this.secret = null;
    },
    copy: (text) => navigator.clipboard?.writeText(text),
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <h1 id="sheet-title">Settings</h1><Age :at="at" :failure="failure"/>
      <section v-if="may.change_password" class="hv-card hv-plain" aria-labelledby="own-title"><div class="hv-pad"><h2 id="own-title">Your password</h2>
        <form id="own-password" class="hv-filter-row" aria-label="Change your password" @submit.prevent="changePassword"><label class="hv-field"><span>Now</span><input v-model="own.current" class="hv-input" type="password" autocomplete="current-password" required></label><label class="hv-field"><span>New</span><input v-model="own.new" class="hv-input" type="password" autocomplete="new-password" placeholder="12 characters or more" minlength="12" required></label><button type="submit" class="hv-quiet">Change it and sign out everywhere</button></form></div></section>
      <section v-if="may.manage_keys" class="hv-card hv-plain" aria-labelledby="keys-title"><div class="hv-pad"><h2 id="keys-title">Keys</h2>
        <form id="new-key" class="hv-filter-row" aria-label="New key" @submit.prevent="makeKey"><label class="hv-field"><span>User</span><input v-model="key.owner" class="hv-input" required></label><label class="hv-field"><span>Role</span><select v-model="key.role" class="hv-input"><option>viewer</option><option>developer</option><option>admin</option></select></label><label class="hv-field"><span>Only these models</span><input v-model="key.models" class="hv-input" placeholder="all"></label><label class="hv-field"><span>Only these permissions</span><input v-model="key.scopes" class="hv-input" placeholder="all of the role" title="Such as models.manage or tasks.*"></label><label class="hv-field"><span>Days</span><input v-model="key.days" class="hv-input" type="number" min="0.01" step="any" placeholder="for ever"></label><label class="hv-field"><span>What for</span><input v-model="key.name" class="hv-input" maxlength="64"></label><button type="submit" class="hv-primary">Create key</button></form></div>
        <table v-if="keys.length"><thead><tr><th>Key</th><th>User</th><th>Role</th><th>Models</th><th>Made</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="item in keys" :key="item.id"><td class="hv-keep"><code>{{ item.prefix }}…</code><div class="hv-small hv-muted">{{ item.name }}</div></td><td data-label="User">{{ item.owner }}</td><td>{{ item.role }}<div class="hv-small hv-muted">{{ item.scopes.join(", ") }}</div></td><td data-label="Models">{{ item.models.join(", ") || "all" }}</td><td class="hv-keep" data-label="Made" :title="clockOf(item.created_at)">{{ ago(item.created_at) }}<div v-if="item.expires_at" class="hv-small hv-muted">until {{ clockOf(item.expires_at) }}</div></td><td><div class="hv-acts"><span v-if="item.revoked_at" class="hv-tag">revoked</span><button v-else type="button" class="hv-quiet hv-danger" :aria-label="'Revoke ' + item.prefix" @click="revoke(item)">Revoke</button></div></td></tr></tbody></table><p v-else-if="at" class="hv-pad hv-muted">None. Whoever uses the API needs one.</p><div v-else-if="!failure" class="hv-lines" aria-label="Loading"><i v-for="n in 2" :key="n"></i></div></section>
      <section v-if="may.manage_agents" class="hv-card hv-plain" aria-labelledby="tokens-title"><div class="hv-pad"><h2 id="tokens-title">Join tokens</h2><form id="new-token" class="hv-filter-row" aria-label="New join token" @submit.prevent="makeToken"><label class="hv-field"><span>What for</span><input v-model="token.name" class="hv-input" maxlength="64"></label><label class="hv-field"><span>Hosts</span><input v-model="token.uses" class="hv-input" type="number" min="1" max="1000" required></label><label class="hv-field"><span>Hours</span><input v-model="token.hours" class="hv-input" type="number" min="0.1" max="720" step="any" required></label><button type="submit" class="hv-primary">Create token</button></form></div>
        <table v-if="tokens.length"><thead><tr><th>Token</th><th>State</th><th>Uses</th><th>Until</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="item in tokens" :key="item.id"><td>{{ item.name ?? item.id.slice(0, 8) }}<div class="hv-small hv-muted">{{ item.hosts.join(", ") }}</div></td><td>{{ item.state }}</td><td class="hv-num" data-label="Uses">{{ item.uses }} of {{ item.uses_allowed }}</td><td class="hv-keep" data-label="Until">{{ clockOf(item.expires_at) }}</td><td><div class="hv-acts"><button v-if="item.state === 'active'" type="button" class="hv-quiet hv-danger" :aria-label="'Revoke ' + (item.name ?? item.id.slice(0, 8))" @click="revokeToken(item)">Revoke</button></div></td></tr></tbody></table><p v-else-if="at" class="hv-pad hv-muted">None. A token lets a new host join with one command.</p><div v-else-if="!failure" class="hv-lines" aria-label="Loading"><i v-for="n in 2" :key="n"></i></div></section>
      <section v-if="may.view_agents" class="hv-card hv-plain" aria-labelledby="rest-title"><div class="hv-pad"><h2 id="rest-title">Maintenance</h2><form v-if="may.manage_agents" id="new-maintenance" class="hv-filter-row" aria-label="New maintenance" @submit.prevent="makePlan"><label class="hv-field"><span>Agents</span><input v-model="plan.agents" class="hv-input" placeholder="acacia, walnut" required></label><label class="hv-field"><span>Hours from now</span><input v-model="plan.hours" class="hv-input" type="number" min="0.1" max="720" step="any" required></label><label class="hv-field"><span>Why</span><input v-model="plan.reason" class="hv-input" required maxlength="500"></label><button type="submit" class="hv-quiet">Begin</button></form></div>
        <table v-if="windows.length"><thead><tr><th>Agents</th><th>Phase</th><th>Until</th><th>Why</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="item in windows" :key="item.id"><td>{{ item.everything ? "everything" : item.agents.join(", ") || Object.entries(item.labels).map(([name, value]) => name + "=" + value).join(", ") }}</td><td>{{ item.phase.replace("_", " ") }}</td><td class="hv-keep" data-label="Until">{{ clockOf(item.ends_at) }}</td><td>{{ item.reason }} <span class="hv-muted">({{ item.by }})</span></td><td><div class="hv-acts"><button v-if="may.manage_agents && ['planned', 'under_way'].includes(item.phase)" type="button" class="hv-quiet" @click="endPlan(item)">End</button></div></td></tr></tbody></table><p v-else-if="at" class="hv-pad hv-muted">Nothing rests, and nothing is planned.</p><div v-else-if="!failure" class="hv-lines" aria-label="Loading"><i v-for="n in 2" :key="n"></i></div></section>
      <dialog ref="secret" class="hv-form-dialog" aria-labelledby="secret-title" @close="secret = null"><div v-if="secret" class="hv-stack"><h2 id="secret-title">{{ secret.title }}</h2><code class="hv-secret">{{ secret.text }}</code><p class="hv-soft">{{ secret.hint }}</p><div class="hv-row-end"><button type="button" class="hv-quiet" @click="copy(secret.text)"><Icon name="copy"/>Copy</button><button type="button" class="hv-primary" @click="shut">I have it</button></div></div></dialog>
    </section>`,
};
