// Every model: where it is, where it is wished, and what is being done about it.
import { Age, agents, ask, confirmed, Icon, Jobs, order, renewed, say, size, store } from "hive-live";

const FEW_HOSTS = 12; // that stand as boxes to tick; of more, names are typed
const FEW_PLACES = 8;

export default {
  components: { Age, Icon, Jobs },
  mixins: [renewed(2500)],
  data: () => ({ models: [], jobs: [], placement: null, aliases: [], text: new URL(location.href).searchParams.get("model") ?? "", name: "", on: [], host: "", unfolded: null, alias: "", targets: "" }),
  computed: {
    may: () => store.may,
    agents: () => agents.value.filter((agent) => agent.status !== "offline").map((agent) => agent.id),
    rows() {
      const typed = this.text.trim().toLowerCase();
      const wishes = Object.fromEntries((this.placement?.state.models ?? []).map((state) => [state.model, state]));
      return this.models.filter((model) => model.name.toLowerCase().includes(typed)).map((model) => ({ ...model, wish: wishes[model.name] }));
    },
    many() {
      return this.agents.length > FEW_HOSTS;
    },
    missing() {
      const have = new Set(this.models.map((model) => model.name));
      return (this.placement?.state.models ?? []).filter((state) => !have.has(state.model));
    },
    work() {
      return this.jobs.slice(0, 10);
    },
  },
  methods: {
    size,
    // Online hosts that have it on disk alone.
    unloaded: (model) => model.agents.filter((place) => !place.loaded && place.status !== "offline").map((place) => place.agent_id),
    about: (model) => [model.parameter_size, model.quantization, model.family].filter(Boolean).join(" · "),
    async load() {
      // A door keeps the other names: where none is there, the rest does not wait for them.
      ask("models.aliases").then(({ aliases }) => (this.aliases = aliases), () => {});
      await this.each({
        models: [ask("models.list"), ({ models }) => (this.models = models)],
        jobs: [ask("models.jobs", {}), ({ jobs }) => (this.jobs = jobs)],
        placement: [ask("models.placement"), (placement) => (this.placement = placement)],
      });
    },
    async give(verb, model, on, words) {
      const found = await order("models." + verb, { model, agents: on });
      if (found) say(found.refused[0] ? `${found.refused[0].agent_id}: ${found.refused[0].message}` : words, found.refused[0] ?? null);
      this.renew();
      return found;
    },
    // A name that is whole, or that only one host begins with.
    addHost() {
      const typed = this.host.trim();
      const fitting = this.agents.includes(typed) ? [typed] : this.agents.filter((agent) => agent.startsWith(typed));
      if (!typed || fitting.length !== 1) return;
      if (!this.on.includes(fitting[0])) this.on.push(fitting[0]);
      this.host = "";
    },
    places: (model, unfolded) => (unfolded || model.agents.length <= FEW_PLACES + 1 ? model.agents : [...model.agents].sort((a, b) => b.loaded - a.loaded).slice(0, FEW_PLACES)),
    async pull() {
      if (await this.give("pull", this.name.trim(), this.on, "It is being pulled.")) this.name = "";
    },
    async remove(model) {
      const on = model.agents.map((place) => place.agent_id);
      const sure = await confirmed({ title: `Delete ${model.name}?`, text: `Its files go from the disk of ${on.length > 5 ? on.length + " hosts" : on.join(", ")}. To have it again, it must be pulled again.`, action: "Delete model" });
      if (sure) this.give("delete", model.name, on, "It is being deleted.");
    },
    async nameIt() {
      const models = this.targets.split(/[\s,]+/).filter(Boolean);
      if (await order("models.alias", { alias: this.alias.trim(), models }, "Named.")) Object.assign(this, { alias: "", targets: "" });
      this.renew();
    },
    async unname(item) {
      const sure = await confirmed({ title: `Forget the name ${item.alias}?`, text: "Clients that ask for it are refused from then on. The models stay as they are.", action: "Forget name" });
      if (sure && (await order("models.unalias", { alias: item.alias }, "Forgotten.", () => order("models.alias", { alias: item.alias, models: item.models }, "It is named again.").then(() => this.renew())))) this.renew();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">Models</h1><span class="hv-count hv-num">{{ rows.length }}</span><span class="hv-space"></span><input v-model="text" type="search" class="hv-input hv-search" placeholder="Name" aria-label="Find a model"></div>
      <Age :at="at" :failure="failure"/><Age v-bind="parts.models" what="The list of models"/><Age v-bind="parts.jobs" what="What is done with models"/><Age v-bind="parts.placement" what="Where models are wished"/>
      <form v-if="may.manage_models" id="pull" class="hv-card hv-pad hv-filter-row" aria-label="Pull a model" @submit.prevent="pull">
        <label class="hv-field"><span>Pull a model</span><input v-model="name" class="hv-input" placeholder="llama3.2:3b"></label>
        <div v-if="many" class="hv-on"><label class="hv-field"><span>On</span><input v-model="host" class="hv-input" list="hosts" placeholder="Name of a host, then Enter" @change="addHost" @keydown.enter.prevent="addHost"><datalist id="hosts"><option v-for="agent in agents" :key="agent" :value="agent"/></datalist></label><ul v-if="on.length" class="hv-chips" aria-label="Chosen hosts"><li v-for="agent in on" :key="agent" class="hv-tag">{{ agent }} <button type="button" class="hv-text" :aria-label="'Not on ' + agent" @click="on.splice(on.indexOf(agent), 1)">×</button></li></ul></div>
        <fieldset v-else class="hv-on"><legend class="hv-small hv-muted">On</legend><label v-for="agent in agents" :key="agent" class="hv-check"><input v-model="on" type="checkbox" :value="agent"> {{ agent }}</label><span v-if="!agents.length" class="hv-muted">no agent is here</span></fieldset>
        <button type="submit" class="hv-primary" :disabled="!name.trim() || !on.length">Pull</button>
      </form>
      <section v-if="work.length" class="hv-card hv-pad" aria-labelledby="work-title"><h2 id="work-title">What is done with models</h2>
        <Jobs :jobs="work" where @changed="renew"/></section>
      <div class="hv-card hv-plain">
        <table v-if="rows.length"><thead><tr><th>Model</th><th class="hv-right">Size</th><th>Where</th><th>Wished</th><th><span class="hv-hidden">Actions</span></th></tr></thead>
          <tbody><tr v-for="model in rows" :key="model.name">
            <td><b class="hv-name">{{ model.name }}</b><div class="hv-small hv-muted">{{ about(model) }}</div></td><td class="hv-right hv-num" data-label="Size">{{ size(model.size_bytes) }}</td>
            <td><ul class="hv-chips"><li v-for="place in places(model, unfolded === model.name)" :key="place.agent_id" class="hv-tag" :data-priority="place.loaded ? 1 : null" :title="place.loaded ? 'in memory' + (place.vram_bytes ? ', ' + size(place.vram_bytes) + ' of VRAM' : '') : 'on disk'"><a :href="'/agents/' + place.agent_id">{{ place.agent_id }}</a>{{ place.loaded ? " in memory" : "" }}{{ place.status === "offline" ? " (offline)" : "" }}</li><li v-if="places(model, unfolded === model.name).length < model.agents.length || unfolded === model.name"><button type="button" class="hv-text hv-small" :aria-expanded="unfolded === model.name" :aria-label="'Every host with ' + model.name" @click="unfolded = unfolded === model.name ? null : model.name">{{ unfolded === model.name ? "fewer" : "and " + (model.agents.length - places(model, false).length) + " more" }}</button></li></ul></td>
            <td class="hv-soft" data-label="Wished"><template v-if="model.wish">{{ model.wish.ready }} of {{ model.wish.wanted }}<div v-if="model.wish.problem" class="hv-small hv-error">{{ model.wish.problem }}</div></template><template v-else>–</template></td>
            <td><div v-if="may.manage_models" class="hv-acts"><button v-if="unloaded(model).length" type="button" class="hv-quiet" :aria-label="'Load ' + model.name" :title="'Into the memory of ' + unloaded(model).join(', ')" @click="give('load', model.name, unloaded(model), 'It is being loaded.')">Load</button><button v-if="model.loaded_on.length" type="button" class="hv-quiet" :title="'From the memory of ' + model.loaded_on.join(', ')" :aria-label="'Unload ' + model.name" @click="give('unload', model.name, model.loaded_on, 'It leaves memory.')">Unload</button><button type="button" class="hv-quiet hv-danger" :aria-label="'Delete ' + model.name" @click="remove(model)">Delete</button></div></td>
          </tr></tbody></table>
        <div v-else-if="!parts.models" class="hv-lines" aria-label="Loading"><i v-for="n in 5" :key="n"></i></div>
        <div v-else-if="text" class="hv-empty"><h3>No model like that</h3></div>
        <div v-else-if="parts.models.at" class="hv-empty"><Icon name="model"/><h3>No model yet</h3><p>A model is on an agent's disk. Pull one above, or from a terminal:</p><pre><code>hive models pull llama3.2:3b --on acacia</code></pre></div>
      </div>
      <p v-for="state in missing" :key="state.model" class="hv-away">{{ state.model }} is wished on {{ state.wanted }} and is nowhere yet. {{ state.problem }}</p>
      <section class="hv-card hv-pad hv-stack" aria-labelledby="names-title"><h2 id="names-title">Other names</h2>
        <ul v-if="aliases.length" class="hv-why"><li v-for="item in aliases" :key="item.alias"><b>{{ item.alias }}</b><span class="hv-muted">→ {{ item.models.join(", then ") }}</span><span class="hv-space"></span><button v-if="may.manage_models" type="button" class="hv-text" :aria-label="'Forget ' + item.alias" @click="unname(item)">Forget</button></li></ul>
        <p v-else class="hv-muted">None. A client that asks for <code>gpt-4o-mini</code> can be given a model of the fleet by naming it so.</p>
        <form v-if="may.manage_models" class="hv-filter-row" aria-label="Name a model" @submit.prevent="nameIt"><label class="hv-field"><span>Name</span><input v-model="alias" class="hv-input" placeholder="gpt-4o-mini"></label><label class="hv-field"><span>Models, the best first</span><input v-model="targets" class="hv-input" placeholder="llama3.2:3b, phi3:mini"></label><button type="submit" class="hv-quiet" :disabled="!alias.trim() || !targets.trim()">Name it</button></form></section>
    </section>`,
};
