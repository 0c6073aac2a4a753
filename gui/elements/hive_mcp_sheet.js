// The registry of MCP servers: how each is, what it offers, and what is wrong. Secrets go in and never come out.
import { Age, ago, ask, confirmed, Icon, order, renewed, store } from "hive-live";

const pairs = (text) => Object.fromEntries(text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => [line.slice(0, line.search(/[=:]/)).trim(), line.slice(line.search(/[=:]/) + 1).trim()]));
const EMPTY = () => ({ name: "", transport: "streamable_http", endpoint: "", command: "", args: "", secrets: "", active: true, known: false });

export default {
  components: { Age, Icon },
  mixins: [renewed(4000)],
  data: () => ({ servers: [], opened: null, tools: [], form: EMPTY(), document: "", wrong: null }),
  computed: {
    may: () => store.may,
    stdio() {
      return this.form.transport === "stdio";
    },
  },
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)),
    mine: (server) => (store.may.manage_mcp_servers && (store.may.run_mcp_servers || server.transport !== "stdio")) || (store.may.own_mcp_servers && server.owner === store.me && server.transport !== "stdio"),
    async load() {
      this.servers = (await ask("mcp-servers.list")).servers;
    },
    async open(server) {
      this.opened = this.opened === server.name ? null : server.name;
      this.tools = [];
      if (!this.opened) return;
      const found = await order("mcp-servers.get", { name: server.name });
      if (found && this.opened === server.name) this.tools = found.tools;
    },
    edit(server) {
      this.wrong = null;
      this.form = server ? { ...EMPTY(), ...server, endpoint: server.endpoint ?? "", command: server.command ?? "", args: "", secrets: "", known: true } : EMPTY();
      this.$refs.edit.showModal();
    },
    async save() {
      const { name, transport, active, known } = this.form;
      const own = this.stdio
        ? { command: this.form.command.trim(), args: this.form.args.split("\n").filter(Boolean), env: pairs(this.form.secrets) }
        : { endpoint: this.form.endpoint.trim(), headers: pairs(this.form.secrets) };
      try {
        await ask(known ? "mcp-servers.replace" : "mcp-servers.register", { name: name.trim(), transport, active, ...own });
      } catch (failure) {
        this.wrong = failure;
        return;
      }
      this.$refs.edit.close();
      this.renew();
    },
    async take() {
      this.wrong = null;
      try {
        const found = await ask("mcp-servers.import", { document: JSON.parse(this.document) });
        const refused = found.entries.filter((entry) => !entry.stored);
        if (refused.length) this.wrong = { code: refused[0].code, message: refused.map((entry) => `${entry.name}: ${entry.message}`).join("; ") };
        else this.$refs.take.close();
        this.document = refused.length ? this.document : "";
        this.renew();
      } catch (failure) {
        this.wrong = failure.code ? failure : { code: "invalid_json", message: "This is not JSON: " + failure.message };
      }
    },
    async remove(server) {
      const sure = await confirmed({ title: `Remove ${server.name}?`, text: "Nodes that name it fail from then on. Its secrets are forgotten.", action: "Remove server" });
      if (sure && (await order("mcp-servers.remove", { name: server.name }, "Removed."))) this.renew();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">MCP servers</h1><span class="hv-space"></span><template v-if="may.own_mcp_servers"><button type="button" class="hv-quiet" @click="wrong = null; $refs.take.showModal()">Import</button><button id="add-server" type="button" class="hv-primary" @click="edit(null)">Add server</button></template></div>
      <Age :at="at" :failure="failure"/>
      <div class="hv-card hv-plain"><table v-if="servers.length"><thead><tr><th>Server</th><th>State</th><th>Where</th><th>Looked at</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><template v-for="server in servers" :key="server.id"><tr><td><button type="button" class="hv-text" :aria-expanded="opened === server.name" @click="open(server)">{{ server.name }}</button><div class="hv-small hv-muted">{{ server.server_name }} {{ server.server_version }}</div></td><td><span class="hv-state" :data-state="server.status"><i class="hv-dot" aria-hidden="true"></i>{{ server.status }}</span><div v-if="server.reason" class="hv-small hv-error">{{ server.reason }}</div></td><td><code>{{ server.endpoint ?? server.command }}</code><div class="hv-small hv-muted">{{ server.transport }}<template v-if="server.env_names.length || server.header_names.length">, sealed: {{ [...server.env_names, ...server.header_names].join(", ") }}</template></div></td><td class="hv-keep" data-label="Looked at">{{ server.checked_at ? ago(server.checked_at) : "–" }}</td><td><div v-if="mine(server)" class="hv-acts"><button type="button" class="hv-quiet" :aria-label="'Edit ' + server.name" @click="edit(server)">Edit</button><button type="button" class="hv-quiet hv-danger" :aria-label="'Remove ' + server.name" @click="remove(server)">Remove</button></div></td></tr>
        <tr v-if="opened === server.name"><td colspan="5"><ul v-if="tools.length" class="hv-why"><li v-for="tool in tools" :key="tool.name"><b>{{ tool.name }}</b><span class="hv-muted">{{ tool.description }}</span></li></ul><p v-else class="hv-muted">No tool was listed.</p></td></tr></template></tbody></table>
        <div v-else-if="at" class="hv-empty"><Icon name="plug"/><h3>No MCP server yet</h3><p>A registered server's tools can be nodes of a workflow, and be offered to models. Add one, or import the <code>mcpServers</code> file of another client.</p></div><div v-else-if="!failure" class="hv-lines" aria-label="Loading"><i v-for="n in 3" :key="n"></i></div></div>
      <dialog ref="edit" class="hv-form-dialog" aria-labelledby="edit-title"><form @submit.prevent="save"><h2 id="edit-title">{{ form.known ? "Replace " + form.name : "Add an MCP server" }}</h2><p v-if="wrong" class="hv-failure" role="alert">{{ wrong.message }} <code class="hv-code">{{ wrong.code }}</code></p>
        <label v-if="!form.known" class="hv-field"><span>Name</span><input v-model="form.name" class="hv-input" required maxlength="64"></label><label class="hv-field"><span>Transport</span><select v-model="form.transport" class="hv-input"><option value="streamable_http">Streamable HTTP</option><option value="sse">SSE</option><option v-if="may.run_mcp_servers" value="stdio">stdio: a program on the engine's machine</option></select></label>
        <template v-if="stdio"><label class="hv-field"><span>Command</span><input v-model="form.command" class="hv-input" required></label><label class="hv-field"><span>Arguments, one a line</span><textarea v-model="form.args" class="hv-input" rows="2"></textarea></label></template><label v-else class="hv-field"><span>URL</span><input v-model="form.endpoint" class="hv-input" type="url" required></label>
        <label class="hv-field"><span>{{ stdio ? "Environment, NAME=value a line" : "Headers, Name: value a line" }}; sealed, never shown again</span><textarea v-model="form.secrets" class="hv-input" rows="2" autocomplete="off" spellcheck="false"></textarea></label><p v-if="form.known" class="hv-small hv-muted">All of it is replaced: write arguments and secrets again.</p><label class="hv-check"><input v-model="form.active" type="checkbox"> Connected, and may be called</label>
        <div class="hv-row-end"><button type="button" class="hv-quiet" @click="$refs.edit.close()">Leave it</button><button type="submit" class="hv-primary">Save</button></div></form></dialog>
      <dialog ref="take" class="hv-form-dialog" aria-labelledby="take-title"><form @submit.prevent="take"><h2 id="take-title">Import servers</h2><p v-if="wrong" class="hv-failure" role="alert">{{ wrong.message }} <code class="hv-code">{{ wrong.code }}</code></p><label class="hv-field"><span>JSON with <code>mcpServers</code> or <code>servers</code>; one that is there already is replaced</span><textarea v-model="document" class="hv-input" rows="8" required spellcheck="false"></textarea></label><div class="hv-row-end"><button type="button" class="hv-quiet" @click="$refs.take.close()">Leave it</button><button type="submit" class="hv-primary">Import</button></div></form></dialog>
    </section>`,
};
