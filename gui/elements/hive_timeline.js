// Which agent did what in the last hour: a row an agent, a bar a task. Of each agent the newest tasks are asked for, never all.
import { Age, agents, ask, clock, duration, openTask, renewed, STATUS, store, taskName } from "hive-live";

const HOUR = 3600e3;
const EACH = 100;
const MOST_AGENTS = 20;

export default {
  components: { Age },
  mixins: [renewed(10000)],
  data: () => ({ records: {}, page: 0 }),
  computed: {
    agents: () => agents.value,
    pages() {
      return Math.max(1, Math.ceil(this.agents.length / MOST_AGENTS));
    },
    shown() {
      return this.agents.slice(this.page * MOST_AGENTS, (this.page + 1) * MOST_AGENTS);
    },
    from: () => store.now - HOUR,
    marks() {
      const step = 600e3, first = Math.ceil(this.from / step) * step;
      return Array.from({ length: 6 }, (_, index) => first + index * step).map((at) => ({ at, left: this.left(at), text: new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }) }));
    },
    rows() {
      return this.shown.map((agent) => ({ id: agent.id, lanes: this.lanes(agent.id) }));
    },
  },
  methods: {
    openTask,
    left(at) {
      return Math.max(0, Math.min(100, ((at - this.from) / HOUR) * 100));
    },
    // Tasks that ran at once stand one under the other.
    lanes(id) {
      const bars = (this.records[id] ?? []).filter((task) => task.started_at).map((task) => {
        const start = Date.parse(task.started_at), end = task.completed_at ? Date.parse(task.completed_at) : store.now;
        const status = store.tasks[task.id]?.status ?? task.status;
        return { id: task.id, start, end, status, left: this.left(start), width: Math.max(0.25, this.left(end) - this.left(start)), words: `${taskName(task)}: ${STATUS[status] ?? status}, ${duration(end - start)}, begun ${clock(start)}` };
      }).filter((bar) => bar.end > this.from).sort((a, b) => a.start - b.start);
      const lanes = [];
      for (const bar of bars) {
        const lane = lanes.find((held) => held.at(-1).end <= bar.start);
        if (lane) lane.push(bar);
        else lanes.push([bar]);
      }
      return lanes;
    },
    async load() {
      const found = await Promise.all(this.shown.map(async (agent) => [agent.id, (await ask("tasks.list", { agent_id: agent.id, limit: EACH })).tasks]));
      this.records = Object.fromEntries(found);
    },
    turn(by) {
      this.page += by;
      this.renew();
    },
  },
  watch: {
    "agents.length"() {
      this.renew();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">Timeline</h1><span class="hv-muted">the last hour, of each agent the newest 100 tasks</span></div>
      <Age :at="at" :failure="failure"/>
      <div class="hv-card hv-pad hv-gantt">
        <div class="hv-gantt-marks" aria-hidden="true"><i v-for="mark in marks" :key="mark.at" :style="{ left: mark.left + '%' }"><span>{{ mark.text }}</span></i></div>
        <div v-for="row in rows" :key="row.id" class="hv-gantt-row"><a class="hv-clip" :href="'/agents/' + row.id" :title="row.id">{{ row.id }}</a><div><div v-for="(lane, index) in row.lanes" :key="index" class="hv-lane"><button v-for="bar in lane" :key="bar.id" type="button" :data-status="bar.status" :style="{ left: bar.left + '%', width: bar.width + '%' }" :title="bar.words" :aria-label="bar.words" @click="openTask(bar.id)"></button></div><div v-if="!row.lanes.length" class="hv-lane"></div></div></div>
        <p v-if="!agents.length" class="hv-muted">No agent yet: what each does shows here as bars.</p>
      </div>
      <nav v-if="pages > 1" class="hv-pager" aria-label="Pages of agents"><button type="button" class="hv-quiet" :disabled="page === 0" @click="turn(-1)">Before</button><span class="hv-muted hv-small">{{ page + 1 }} of {{ pages }}</span><button type="button" class="hv-quiet" :disabled="page + 1 >= pages" @click="turn(1)">After</button></nav>
    </section>`,
};
