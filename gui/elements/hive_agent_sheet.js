// Every agent as a row: the feed brings them, so nothing is asked for here.
import { AGENT_STATE, agents, Icon, rate, store, tasks } from "hive-live";

export default {
  components: { Icon },
  data: () => ({ text: "", AGENT_STATE }),
  computed: {
    any: () => agents.value.length > 0,
    loaded: () => store.loaded,
    // Tokens a second over the newest tasks that ended, loading and reading included: what somebody who asked had of the host.
    lately() {
      const found = {};
      for (const task of tasks.value) {
        if (task.status !== "completed" || !task.tokens || !task.started_ms || !(task.ended_ms > task.started_ms)) continue;
        const sum = (found[task.agent_id] ??= { tokens: 0, seconds: 0 });
        sum.tokens += task.tokens;
        sum.seconds += (task.ended_ms - task.started_ms) / 1000;
      }
      return found;
    },
    rows() {
      const typed = this.text.trim().toLowerCase();
      return agents.value.map((agent) => ({ ...agent, state: agent.silent ? "silent" : agent.status, loadedModels: agent.models.filter((model) => model.loaded).map((model) => model.name) }))
        .filter((agent) => `${agent.id} ${agent.name} ${agent.state} ${agent.gpu ?? ""} ${agent.models.map((model) => model.name).join(" ")}`.toLowerCase().includes(typed));
    },
  },
  methods: {
    rate,
    speed(agent) {
      const sum = this.lately[agent.id];
      return sum ? rate(sum.tokens / sum.seconds) : null;
    },
    percent: (value) => (value === null || value === undefined ? "–" : value + " %"),
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">Agents</h1><span class="hv-count hv-num">{{ rows.length }}</span><span class="hv-space"></span><input v-model="text" type="search" class="hv-input hv-search" placeholder="Name, state, card or model" aria-label="Find an agent"></div>
      <div class="hv-card hv-plain">
        <table v-if="rows.length">
          <thead><tr><th>Agent</th><th>State</th><th class="hv-right">Slots</th><th>In memory</th><th class="hv-right">GPU</th><th class="hv-right">VRAM</th><th class="hv-right">Heat</th><th class="hv-right">Speed now</th><th class="hv-right" title="Over the newest tasks that ended, loading and reading included">Lately</th></tr></thead>
          <tbody><tr v-for="agent in rows" :key="agent.id">
            <td class="hv-keep"><a class="hv-name" :href="'/agents/' + agent.id">{{ agent.id }}</a><div class="hv-small hv-muted">{{ agent.gpu ?? agent.backend }}</div></td>
            <td><span class="hv-state" :data-state="agent.state"><i class="hv-dot" aria-hidden="true"></i>{{ AGENT_STATE[agent.state] }}</span><div v-if="agent.reason && agent.state !== 'online'" class="hv-small hv-muted">{{ agent.reason }}</div></td>
            <td class="hv-right hv-num" data-label="Slots">{{ agent.running }} / {{ agent.slots }}</td>
            <td class="hv-soft" data-label="In memory">{{ agent.loadedModels.join(", ") || "–" }}</td>
            <td class="hv-right hv-num" data-label="GPU">{{ percent(agent.gauges.gpu) }}</td><td class="hv-right hv-num" data-label="VRAM">{{ percent(agent.gauges.gpu_memory) }}</td>
            <td class="hv-right hv-num" data-label="Heat" :class="{ 'hv-bad': agent.gauges.gpu_temperature >= 88 }">{{ agent.gauges.gpu_temperature === null ? "–" : agent.gauges.gpu_temperature + " °C" }}</td>
            <td class="hv-right hv-num" data-label="Speed now">{{ rate(agent.gauges.tokens_per_second) ?? "–" }}</td><td class="hv-right hv-num" data-label="Lately">{{ speed(agent) ?? "–" }}</td>
          </tr></tbody>
        </table>
        <div v-else-if="!loaded" class="hv-lines" aria-label="Loading"><i v-for="n in 4" :key="n"></i></div>
        <div v-else-if="any" class="hv-empty"><h3>No agent like that</h3></div>
        <div v-else class="hv-empty"><Icon name="server"/><h3>No agent yet</h3><p>Point Hive at a host that runs Ollama, or make a join token in <a href="/settings">settings</a>:</p><pre><code>hive agents add http://gpu-host:11434</code></pre></div>
      </div>
    </section>`,
};
