// What runs where: one card for each agent.
import { ACTIVE, AGENT_STATE, agents, duration, Icon, openTask, rate, store, taskName, tasks } from "hive-live";

const BACKEND = { ollama: "Ollama", openai: "OpenAI API", builtin: "Built-in model" };

const FEW = 5;

const Card = {
  props: { agent: { type: Object, required: true } },
  computed: {
    may: () => store.may,
    state() {
      return this.agent.silent ? "silent" : this.agent.status;
    },
    label() {
      return AGENT_STATE[this.state];
    },
    running() {
      return tasks.value.filter((task) => task.agent_id === this.agent.id && ACTIVE.includes(task.status));
    },
    work() {
      return this.running.slice(0, FEW);
    },
    more() {
      return this.running.length - this.work.length;
    },
    unseen() {
      return store.may.view_all ? this.more : Math.max(0, this.agent.running - this.work.length);
    },
    // As many names as one line of the card holds.
    shown() {
      let room = 40;
      return this.agent.models.filter((model, index) => (room -= model.name.length + 4) > 0 || index === 0);
    },
    about() {
      const vram = this.agent.vram_gb ? ` ${Math.round(this.agent.vram_gb)} GB` : "";
      const name = this.agent.name === this.agent.id ? null : this.agent.name;
      return [name, BACKEND[this.agent.backend] ?? this.agent.backend, this.agent.gpu ? this.agent.gpu + vram : null].filter(Boolean).join(" · ");
    },
    gauges() {
      const found = this.agent.gauges;
      const all = [["GPU", found.gpu], ["VRAM", found.gpu_memory], ["CPU", found.cpu], ["RAM", found.memory]];
      return all.filter(([, value]) => value !== null && value !== undefined).slice(0, 4);
    },
  },
  methods: {
    duration,
    rate,
    openTask,
    taskName,
    elapsed: (task) => (task.started_ms ? duration(store.now - task.started_ms) : "starting"),
  },
  template: `
    <article class="hv-agent hv-card" :id="'agent-' + agent.id" :data-state="state">
      <header>
        <i class="hv-dot" aria-hidden="true"></i>
        <h3 class="hv-clip" :title="agent.id"><a v-if="may.view_agents" class="hv-name" :href="'/agents/' + agent.id">{{ agent.id }}</a><template v-else>{{ agent.id }}</template></h3>
        <span class="hv-agent-state">{{ label }}</span>
        <span class="hv-space"></span>
        <span class="hv-num hv-slots-text"><b>{{ agent.running }}</b> / {{ agent.slots }} slots</span>
      </header>
      <div class="hv-slots" aria-hidden="true">
        <template v-if="agent.slots <= 16"><i v-for="slot in agent.slots" :key="slot" :class="{ used: slot <= agent.running }"></i></template>
        <i v-else class="hv-slots-one"><u :style="{ width: agent.running / agent.slots * 100 + '%' }"></u></i>
      </div>
      <p v-if="agent.reason && state !== 'online'" class="hv-agent-reason">{{ agent.reason }}</p>
      <div class="hv-agent-about hv-small hv-muted"><span class="hv-clip">{{ about }}</span><span v-if="agent.gauges.gpu_temperature !== null" class="hv-num" :class="{ 'hv-bad': agent.gauges.gpu_temperature >= 88 }">{{ agent.gauges.gpu_temperature }} °C</span><span v-if="agent.gauges.tokens_per_second" class="hv-num">{{ rate(agent.gauges.tokens_per_second) }}</span></div>
      <div v-if="gauges.length && state !== 'offline'" class="hv-gauges">
        <div v-for="[name, value] in gauges" :key="name"><span>{{ name }}</span><div class="hv-meter"><i :style="{ width: Math.min(100, value) + '%' }"></i></div><b class="hv-num">{{ value }}%</b></div>
      </div>
      <ul v-if="agent.models.length" class="hv-models" aria-label="Models">
        <li v-for="model in shown" :key="model.name" :class="{ warm: model.loaded }" :title="model.name + (model.loaded ? ': loaded, answers at once' : ': not loaded, takes a moment to start')">{{ model.name }}</li>
        <li v-if="agent.models.length > shown.length" class="more" :title="agent.models.map((model) => model.name).join(', ')">+{{ agent.models.length - shown.length }}</li>
      </ul>
      <ul v-if="work.length || unseen" class="hv-work" aria-label="Running tasks">
        <li v-for="task in work" :key="task.id"><button type="button" @click="openTask(task.id)"><span class="hv-pulse" aria-hidden="true"></span><span class="hv-clip" dir="auto">{{ taskName(task) }}</span><span class="hv-num hv-muted">{{ elapsed(task) }}</span></button></li>
        <li v-if="unseen" class="hv-muted hv-small">{{ work.length ? "and " : "" }}{{ unseen }} {{ work.length ? "more" : unseen === 1 ? "task" : "tasks" }}</li>
      </ul>
    </article>`,
};

const CARD_WIDTH = 280;
const GAP = 12;
const CARDS = 9;
const WELL = (agent) => agent.status === "online" && !agent.silent;

// Cards keep their column while they grow and shrink, and leave no holes below short ones.
export default {
  components: { Card, Icon },
  data: () => ({ width: 0, all: false }),
  computed: {
    agents: () => agents.value,
    // Of many, those that need a look come first, then those at work, and the rest on demand, so that the tasks stay in sight.
    shown() {
      if (this.all || this.agents.length <= CARDS + 3) return this.agents;
      return [...this.agents].sort((a, b) => WELL(a) - WELL(b) || b.running - a.running).slice(0, CARDS);
    },
    loaded: () => store.loaded,
    columns() {
      const fit = Math.max(1, Math.floor((this.width + GAP) / (CARD_WIDTH + GAP)));
      const number = Math.min(fit, this.shown.length);
      return Array.from({ length: number }, (_, column) => this.shown.filter((_, place) => place % number === column));
    },
  },
  methods: {
    toggle() {
      this.all = !this.all;
    },
  },
  mounted() {
    this.observer = new ResizeObserver(([entry]) => (this.width = entry.contentRect.width));
    this.observer.observe(this.$el);
  },
  unmounted() {
    this.observer.disconnect();
  },
  template: `
    <section aria-labelledby="agents-title">
      <div class="hv-section"><h2 id="agents-title">Agents</h2><span class="hv-count hv-num" v-if="agents.length">{{ agents.length }}</span><span class="hv-space"></span><button v-if="all || shown.length < agents.length" type="button" class="hv-text hv-small" @click="toggle">{{ all ? "Show fewer" : "Show all " + agents.length }}</button></div>
      <div v-if="!loaded" class="hv-agents"><div v-for="n in 2" :key="n" class="hv-card hv-skeleton"></div></div>
      <div v-else-if="agents.length" class="hv-agents"><div v-for="(column, place) in columns" :key="place"><Card v-for="agent in column" :key="agent.id" :agent="agent"/></div></div>
      <div v-else class="hv-empty hv-card">
        <Icon name="server"/>
        <h3>No agent yet</h3>
        <p>An agent is a host that runs models. Put a machine with Ollama under Hive with one command:</p>
        <pre><code>hive agents add http://gpu-host:11434</code></pre>
        <p class="hv-small">or start <code>hive run sidecar</code> on the host itself. It shows up here within a second.</p>
      </div>
    </section>`,
};
