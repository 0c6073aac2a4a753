// One agent: how it was, how fast it is, what it has, and what it did lately.
import { Age, AGENT_STATE, ago, agents, ask, bounds, Chart, clock, confirmed, DAY, duration, HOUR, Jobs, order, rate, renewed, say, size, Span, Status, store, taskName, WEEK } from "hive-live";

const SPANS = { hour: [HOUR, "1 hour", "minute"], day: [DAY, "1 day", "minute"], week: [WEEK, "1 week", "hour"] };
const CHARTS = [["gpu_usage", "GPU", "%", 100], ["gpu_memory", "VRAM", "%", 100], ["gpu_temperature", "Temperature", "°C"], ["tokens_per_second", "Tokens", "tok/s"], ["cpu_usage", "CPU", "%", 100], ["memory_usage", "RAM", "%", 100], ["active_tasks", "Running", ""], ["gpu_power_watts", "Power", "W"]];

export default {
  props: { agent: { type: String, required: true } },
  components: { Age, Chart, Jobs, Span, Status },
  mixins: [renewed(5000)],
  data: () => ({ record: null, history: null, historyAt: 0, benchmarks: [], tasks: [], jobs: [], time: { span: "hour", to: null }, pull: "", AGENT_STATE, SPANS }),
  computed: {
    row() {
      return agents.value.find((agent) => agent.id === this.agent) ?? null;
    },
    state() {
      return this.row?.silent ? "silent" : this.row?.status ?? this.record?.status;
    },
    may: () => store.may,
    charts() {
      const { from, to } = bounds(this.time, SPANS);
      const points = [...(this.history ?? [])].reverse();
      return CHARTS.map(([key, title, unit, most]) => ({ key, title, unit, most, from, to, points: points.map((point) => [Date.parse(point.timestamp), point.values[key]?.mean ?? null]) }))
        .filter((chart) => chart.points.some(([, value]) => value !== null) || ["gpu_usage", "tokens_per_second"].includes(chart.key));
    },
    facts() {
      const record = this.record;
      if (!record) return [];
      const hard = record.hardware;
      return [["Address", record.endpoint], ["Backend", record.backend], ["Card", hard.gpu_type], ["VRAM", hard.vram_gb ? Math.round(hard.vram_gb) + " GiB" : null], ["Cores", hard.cpu_cores], ["RAM", hard.ram_gb ? Math.round(hard.ram_gb) + " GiB" : null],
        ["Slots", `${this.row?.running ?? record.running} of ${record.slots} in use`], ["Model of tasks without one", record.model], ["Labels", Object.entries(record.labels).map(([name, value]) => `${name}=${value}`).join(", ") || null], ["Version", record.version], ["Last heard", record.last_seen ? ago(store.now - Date.parse(record.last_seen)) : null]].filter(([, value]) => value !== null && value !== undefined);
    },
    // The list of tasks holds no attempts: a task stands here with the agent that has it, or had it last.
    recent() {
      return this.tasks.map((task) => ({ ...task, status: store.tasks[task.id]?.status ?? task.status, error: task.error ?? store.tasks[task.id]?.error }));
    },
    models() {
      return [...(this.record?.models ?? [])].sort((a, b) => b.loaded - a.loaded || a.name.localeCompare(b.name));
    },
  },
  methods: {
    ago: (text) => ago(store.now - Date.parse(text)), clockOf: (text) => clock(Date.parse(text)), taskName, rate,
    size,
    lasted: (task) => (task.started_at && task.completed_at ? duration(Date.parse(task.completed_at) - Date.parse(task.started_at)) : ""),
    async load() {
      const agent_id = this.agent;
      this.record = await ask("agents.get", { agent_id });
      await this.each({
        benchmarks: [ask("agents.benchmarks", { agent_id, limit: 8 }), ({ benchmarks }) => (this.benchmarks = benchmarks)],
        tasks: [ask("tasks.list", { agent_id, limit: 20 }), ({ tasks }) => (this.tasks = tasks)],
        jobs: [ask("models.jobs", { agent_id }), ({ jobs }) => (this.jobs = jobs.slice(0, 8))],
        ...(store.may.view_metrics && Date.now() - this.historyAt > 30000 && { history: [this.past(), () => {}] }),
      });
    },
    async past() {
      const { from, to } = bounds(this.time, SPANS), resolution = SPANS[this.time.span][2], time = this.time;
      const found = await ask("metrics.history", { agent_id: this.agent, resolution, since: new Date(from).toISOString(), before: new Date(to).toISOString(), limit: 1500 });
      if (time === this.time) Object.assign(this, { history: found.points, historyAt: Date.now() });
    },
    see(time) {
      Object.assign(this, { time, historyAt: 0 });
      this.again();
    },
    async drain() {
      const reason = "from the dashboard";
      if (await order("agents.drain", { agent_id: this.agent, reason }, "It is given nothing more.", this.resume)) this.renew();
    },
    async resume() {
      if (await order("agents.resume", { agent_id: this.agent }, "It is given work again.", this.drain)) this.renew();
    },
    async measure(model) {
      if (await order("agents.benchmark", { agent_id: this.agent, model }, "It is measured as soon as it has nothing else to do.")) this.renew();
    },
    async model_(verb, name, words) {
      const found = await order("models." + verb, { model: name, agents: [this.agent] });
      if (found) say(found.refused[0]?.message ?? words, found.refused[0] ?? null);
      this.renew();
    },
    async take() {
      const name = this.pull.trim();
      if (name) await this.model_("pull", name, "It is being pulled.");
      this.pull = "";
    },
    async remove(name) {
      const sure = await confirmed({ title: `Delete ${name}?`, text: `Its files go from the disk of ${this.agent}. To have it again there, it must be pulled again.`, action: "Delete model" });
      if (sure) this.model_("delete", name, "It is being deleted.");
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <nav class="hv-crumbs" aria-label="Where you are"><a href="/agents">Agents</a><span aria-hidden="true">/</span><span aria-current="page">{{ agent }}</span></nav>
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">{{ agent }}</h1><span v-if="state" class="hv-state" :data-state="state"><i class="hv-dot" aria-hidden="true"></i>{{ AGENT_STATE[state] ?? state }}</span><span class="hv-space"></span>
        <template v-if="may.manage_agents && record"><button v-if="record.drain || state === 'draining'" type="button" class="hv-quiet" @click="resume">Resume</button><button v-else type="button" class="hv-quiet" @click="drain">Drain</button><button type="button" class="hv-quiet" @click="measure(null)">Benchmark</button></template>
      </div>
      <p v-if="record && record.drain" class="hv-away">Drained by {{ record.drain.by }} {{ ago(record.drain.since) }}<template v-if="record.drain.reason">: {{ record.drain.reason }}</template>. {{ record.drained ? "Nothing runs there any more: it may be stopped." : "What runs there ends." }}</p>
      <p v-else-if="record && record.status_reason && state !== 'online'" class="hv-away">{{ record.status_reason }}</p>
      <Age :at="at" :failure="failure"/>
      <template v-if="record">
        <div v-if="may.view_metrics" class="hv-section"><h2>History</h2><span class="hv-space"></span><Span :value="time" :spans="SPANS" @change="see"/></div>
        <Age v-bind="parts.history" what="The history"/>
        <div v-if="may.view_metrics" class="hv-charts"><Chart v-for="{ key, ...chart } in charts" :key="key" v-bind="chart"/></div>
        <div class="hv-two">
          <div class="hv-stack">
            <section class="hv-card hv-pad"><h2>What it is</h2><dl class="hv-facts"><div v-for="[label, value] in facts" :key="label"><dt>{{ label }}</dt><dd>{{ value }}</dd></div></dl></section>
            <section class="hv-card hv-pad"><h2>Capabilities</h2><ul v-if="record.capabilities.length" class="hv-chips"><li v-for="item in record.capabilities" :key="item.name" class="hv-tag">{{ item.name }} {{ Math.round(item.proficiency * 100) }} %</li></ul><p v-else class="hv-muted">None declared: it takes any task that asks for none.</p></section>
            <Age v-bind="parts.benchmarks" what="The list of benchmarks"/><section class="hv-card hv-plain"><table v-if="benchmarks.length"><thead><tr><th>Benchmark</th><th class="hv-right">Load</th><th class="hv-right">Prompt</th><th class="hv-right">Writing</th><th class="hv-right">When</th></tr></thead><tbody><tr v-for="item in benchmarks" :key="item.id"><td>{{ item.model }}<div class="hv-small hv-muted">{{ item.status === "running" ? item.step + " " + Math.round(item.progress * 100) + " %" : item.error ?? item.status }}</div></td><td class="hv-right hv-num" data-label="Load">{{ item.load_seconds === null ? "–" : item.load_seconds.toFixed(1) + " s" }}</td><td class="hv-right hv-num" data-label="Prompt">{{ rate(item.prompt_tokens_per_second) ?? "–" }}</td><td class="hv-right hv-num" data-label="Writing">{{ rate(item.generation_tokens_per_second) ?? "–" }}</td><td class="hv-right" data-label="When" :title="clockOf(item.started_at)">{{ ago(item.started_at) }}</td></tr></tbody></table><div v-else-if="parts.benchmarks?.at" class="hv-empty"><h3>Not measured yet</h3><p>A benchmark tells how fast it loads, reads and writes; it gives way to a task.</p></div></section>
          </div>
          <div class="hv-stack">
            <section class="hv-card hv-plain" aria-label="Models"><table v-if="models.length"><thead><tr><th>Model</th><th class="hv-right">Size</th><th><span class="hv-hidden">Actions</span></th></tr></thead><tbody><tr v-for="model in models" :key="model.name"><td>{{ model.name }} <span v-if="model.loaded" class="hv-tag" data-priority="1">in memory</span></td><td class="hv-right hv-num" data-label="Size">{{ size(model.size_bytes) }}</td><td><div v-if="may.manage_models" class="hv-acts"><button v-if="model.loaded" type="button" class="hv-quiet" :aria-label="'Unload ' + model.name" @click="model_('unload', model.name, 'It leaves memory.')">Unload</button><button v-else type="button" class="hv-quiet" :aria-label="'Load ' + model.name" @click="model_('load', model.name, 'It is being loaded.')">Load</button><button v-if="may.manage_agents" type="button" class="hv-quiet" :aria-label="'Benchmark ' + model.name" @click="measure(model.name)">Benchmark</button><button type="button" class="hv-quiet hv-danger" :aria-label="'Delete ' + model.name" @click="remove(model.name)">Delete</button></div></td></tr></tbody></table><div v-else class="hv-empty"><h3>No model yet</h3><p>Pull one below, or let it be wished in models.yaml.</p></div>
              <form v-if="may.manage_models" class="hv-controls hv-pad" @submit.prevent="take"><label class="hv-field"><span>Pull a model</span><input v-model="pull" class="hv-input" placeholder="llama3.2:3b"></label><button type="submit" class="hv-quiet" :disabled="!pull.trim()">Pull</button></form>
              <Age v-bind="parts.jobs" what="What is done with models"/><Jobs v-if="jobs.length" class="hv-pad" :jobs="jobs" @changed="renew"/></section>
            <section class="hv-card hv-pad"><h2>Recent tasks</h2><Age v-bind="parts.tasks" what="The list of tasks"/><ol v-if="recent.length" class="hv-attempts"><li v-for="task in recent" :key="task.id"><div><a class="hv-name" dir="auto" :href="'/tasks/' + task.id">{{ taskName(task) }}</a> <Status :status="task.status"/> <span class="hv-muted hv-small">{{ task.model }} {{ lasted(task) }} · {{ ago(task.created_at) }}</span><p v-if="task.error" class="hv-error hv-small"><code>{{ task.error.code }}</code> {{ task.error.message }}</p></div></li></ol><p v-else-if="parts.tasks?.at" class="hv-muted">Nothing has run here lately.</p></section>
          </div>
        </div>
      </template>
      <div v-else-if="!failure" class="hv-card hv-lines" aria-label="Loading"><i v-for="n in 6" :key="n"></i></div>
    </section>`,
};
