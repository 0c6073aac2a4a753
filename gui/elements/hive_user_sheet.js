// People who sign in, for whoever may manage them.
import { Age, ago, clock, ask, confirmed, order, renewed, store } from "hive-live";

const ROLES = ["viewer", "developer", "admin"];
const none = () => ({ name: "", role: "developer", password: "" });

export default {
  components: { Age },
  mixins: [renewed(10000)],
  data: () => ({ users: [], made: none(), roles: ROLES, changing: null, password: "" }),
  computed: { may: () => store.may },
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)), clockOf: (text) => clock(Date.parse(text)),
    way: (user) => [user.has_password ? "password" : "", user.oidc_issuer ? new URL(user.oidc_issuer).host : ""].filter(Boolean).join(", ") || "keys alone",
    async load() {
      this.users = (await ask("users.list")).users;
    },
    async create() {
      const { name, role, password } = this.made;
      if (!(await order("users.create", { name: name.trim(), roles: [role], ...(password ? { password } : {}) }, `${name.trim()} may sign in.`))) return;
      this.made = none();
      this.renew();
    },
    async change(verb, name, more, done, undo = null) {
      if (await order("users." + verb, { name, ...more }, done, undo)) this.renew();
    },
    setRole(user, role) {
      const before = user.roles;
      const undo = before.length ? () => this.change("roles", user.name, { roles: before }, "As before.") : null;
      this.change("roles", user.name, { roles: [role] }, `${user.name}: ${role}.`, undo).then(() => this.again());
    },
    disable(user) {
      this.change("disable", user.name, {}, `${user.name} is out, with all keys.`, () => this.change("enable", user.name, {}, "Enabled."));
    },
    async remove(user) {
      const sure = await confirmed({ title: `Remove ${user.name}?`, text: "Sessions end and keys are revoked. What the user made stays.", action: "Remove user" });
      if (sure) this.change("remove", user.name, {}, "Removed.");
    },
    open(user) {
      Object.assign(this, { changing: user, password: "" });
      this.$nextTick(() => this.$refs.dialog.showModal());
    },
    shut() {
      this.$refs.dialog?.close();
      Object.assign(this, { changing: null, password: "" });
    },
    async setPassword() {
      if (await order("users.password", { name: this.changing.name, password: this.password }, "Set. The user's sessions have ended.")) this.shut();
      this.renew();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <h1 id="sheet-title">Users</h1><Age :at="at" :failure="failure"/>
      <section v-if="may.manage_users" class="hv-card hv-plain" aria-label="Users"><div class="hv-pad">
        <form id="new-user" class="hv-filter-row" aria-label="New user" @submit.prevent="create"><label class="hv-field"><span>Name</span><input v-model="made.name" class="hv-input" autocomplete="off" maxlength="64" required></label><label class="hv-field"><span>Role</span><select v-model="made.role" class="hv-input"><option v-for="role in roles" :key="role">{{ role }}</option></select></label><label class="hv-field"><span>Password</span><input v-model="made.password" class="hv-input" type="password" autocomplete="new-password" minlength="12" placeholder="12 characters or more" required></label><button type="submit" class="hv-primary">Create user</button></form></div>
        <table v-if="users.length" class="hv-level"><thead><tr><th>User</th><th>Role</th><th>Signs in by</th><th>Last login</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="user in users" :key="user.id"><td class="hv-keep">{{ user.name }} <span v-if="user.disabled_at" class="hv-tag">disabled</span></td><td data-label="Role"><select class="hv-input" :aria-label="'Role of ' + user.name" :value="user.roles[0] ?? ''" :disabled="!user.roles.length && !user.has_password" @change="setRole(user, $event.target.value)"><option v-if="!user.roles.length" value="">of each key</option><option v-for="role in roles" :key="role">{{ role }}</option></select></td><td data-label="Signs in by">{{ way(user) }}</td><td class="hv-keep" data-label="Last login" :title="user.last_login_at ? clockOf(user.last_login_at) : ''">{{ user.last_login_at ? ago(user.last_login_at) : "never" }}</td><td><div class="hv-acts"><button type="button" class="hv-quiet" :aria-label="'Set the password of ' + user.name" @click="open(user)">Password</button><button v-if="user.disabled_at" type="button" class="hv-quiet" :aria-label="'Enable ' + user.name" @click="change('enable', user.name, {}, user.name + ' may sign in again.')">Enable</button><button v-else type="button" class="hv-quiet" :aria-label="'Disable ' + user.name" @click="disable(user)">Disable</button><button type="button" class="hv-quiet hv-danger" :aria-label="'Remove ' + user.name" @click="remove(user)">Remove</button></div></td></tr></tbody></table><p v-else-if="at" class="hv-pad hv-muted">None. Whoever signs in with a name and a password needs to be made here.</p><div v-else-if="!failure" class="hv-lines" aria-label="Loading"><i v-for="n in 2" :key="n"></i></div></section>
      <p v-else class="hv-pad hv-muted">Who may manage users sees them here.</p>
      <dialog ref="dialog" class="hv-form-dialog" aria-labelledby="password-title" @close="changing = null"><form v-if="changing" class="hv-stack" @submit.prevent="setPassword"><h2 id="password-title">A new password for {{ changing.name }}</h2><label class="hv-field"><span>New password</span><input v-model="password" class="hv-input" type="password" autocomplete="new-password" minlength="12" required></label><div class="hv-row-end"><button type="button" class="hv-quiet" @click="shut">Keep it so</button><button type="submit" class="hv-primary">Set it</button></div></form></dialog>
    </section>`,
};
