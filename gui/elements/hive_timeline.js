// Which agent did what in a time of choice: a row an agent, a bar a task. Of each agent the newest tasks are asked for, never all.
import { Age, agents, ask, bounds, clock, DAY, duration, HOUR, openTask, renewed, Span, STATUS, store, taskName } from "hive-live";

const SPANS = { hour: [HOUR, "1 hour"], six: [6 * HOUR, "6 hours"], day: [DAY, "1 day"] };
const MARKS = 6;
const EACH = 100;
const MOST_AGENTS = 20;

export default {
  components: { Age, Span },
  mixins: [renewed(10000)],
  data: () => ({ records: {}, full: false, asked: 0, page: 0, time: { span: "hour", to: null }, SPANS }),
  computed: {
    agents: () => agents.value,
    pages() {
      return Math.max(1, Math.ceil(this.agents.length / MOST_AGENTS));
    },
    shown() {
      return this.agents.slice(this.page * MOST_AGENTS, (this.page + 1) * MOST_AGENTS);
    },
    shownTime() {
      return bounds(this.time, SPANS);
    },
    length: (timeline) => timeline.shownTime.to - timeline.shownTime.from,
    // On the hour, or on a part of it, of the viewer's own clock.
    marks() {
      const step = this.length / MARKS, zone = new Date(this.shownTime.from).getTimezoneOffset() * 60e3;
      const first = Math.ceil((this.shownTime.from - zone) / step) * step + zone;
      return Array.from({ length: MARKS }, (_, index) => first + index * step).map((at) => ({ at, left: this.left(at), text: new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }) }));
    },
    rows() {
      return this.shown.map((agent) => ({ id: agent.id, lanes: this.lanes(agent.id) }));
    },
  },
  methods: {
    openTask,
    left(at) {
      return Math.max(0, Math.min(100, ((at - this.shownTime.from) / this.length) * 100));
    },
    // Tasks that ran at once stand one under the other.
    lanes(id) {
      const bars = (this.records[id] ?? []).filter((task) => task.started_at).map((task) => {
        const start = Date.parse(task.started_at), end = task.completed_at ? Date.parse(task.completed_at) : store.now;
        const status = store.tasks[task.id]?.status ?? task.status;
        return { id: task.id, start, end, status, left: this.left(start), width: Math.max(0.25, this.left(end) - this.left(start)), words: `${taskName(task)}: ${STATUS[status] ?? status}, ${duration(end - start)}, begun ${clock(start)}` };
      }).filter((bar) => bar.end > this.shownTime.from && bar.start < this.shownTime.to).sort((a, b) => a.start - b.start);
      const lanes = [];
      for (const bar of bars) {
        const lane = lanes.find((held) => held.at(-1).end <= bar.start);
        if (lane) lane.push(bar);
        else lanes.push([bar]);
      }
      return lanes;
    },
    // A task may have been asked for long before it began: what was asked for one span earlier is looked at too.
    async load() {
      const wanted = { since: new Date(this.shownTime.from - this.length).toISOString(), before: new Date(this.shownTime.to).toISOString(), limit: EACH };
      const number = ++this.asked;
      const found = await Promise.all(this.shown.map(async (agent) => [agent.id, await ask("tasks.list", { agent_id: agent.id, ...wanted })]));
      if (number !== this.asked) return;
      this.records = Object.fromEntries(found.map(([id, list]) => [id, list.tasks]));
      this.full = found.some(([, list]) => list.next_cursor);
    },
    see(time) {
      this.time = time;
      this.again();
    },
    turn(by) {
      this.page += by;
      this.again();
    },
  },
  watch: {
    "agents.length"() {
      this.renew();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">Timeline</h1><span v-if="full" class="hv-muted hv-small">of each agent the newest 100 tasks of this time</span><span class="hv-space"></span><Span :value="time" :spans="SPANS" @change="see"/></div>
      <Age :at="at" :failure="failure"/>
      <div class="hv-card hv-pad hv-gantt">
        <div class="hv-gantt-marks" aria-hidden="true"><i v-for="mark in marks" :key="mark.at" :style="{ left: mark.left + '%' }"><span>{{ mark.text }}</span></i></div>
        <div v-for="row in rows" :key="row.id" class="hv-gantt-row"><a class="hv-clip" :href="'/agents/' + row.id" :title="row.id">{{ row.id }}</a><div><div v-for="(lane, index) in row.lanes" :key="index" class="hv-lane"><button v-for="bar in lane" :key="bar.id" type="button" :data-status="bar.status" :style="{ left: bar.left + '%', width: bar.width + '%' }" :title="bar.words" :aria-label="bar.words" @click="openTask(bar.id)"></button></div><div v-if="!row.lanes.length" class="hv-lane"></div></div></div>
        <p v-if="!agents.length" class="hv-muted">No agent yet: what each does shows here as bars.</p>
      </div>
      <nav v-if="pages > 1" class="hv-pager" aria-label="Pages of agents"><button type="button" class="hv-quiet" :disabled="page === 0" @click="turn(-1)">Before</button><span class="hv-muted hv-small">{{ page + 1 }} of {{ pages }}</span><button type="button" class="hv-quiet" :disabled="page + 1 >= pages" @click="turn(1)">After</button></nav>
    </section>`,
};
