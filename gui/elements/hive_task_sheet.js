// Every task, a page of them at a time: the coordinator filters and pages, and what changes meanwhile comes with the feed.
import { Age, age, agents, ask, clock, confirmed, count, DAY, duration, ENDED, HOUR, Icon, openTask, order, PRIORITY, renewed, Status, STATUS, store, taskName, WAITING, WEEK, worked } from "hive-live";

const LIMIT = 50;
const FIELDS = ["status", "model", "agent_id", "owner", "within", "since", "before"];
const WITHIN = { hour: [HOUR, "The last hour"], day: [DAY, "The last day"], week: [WEEK, "The last week"] };

const time = (text) => (text ? Date.parse(text) : null);
// A record as the feed's row, which may know of something newer.
function row(record) {
  const found = {
    id: record.id, status: record.status, priority: record.priority, owner: record.owner, created_ms: time(record.created_at),
    title: record.title, model: record.model ?? record.attempts.at(-1)?.model, agent_id: record.assigned_agent_id, attempt: record.attempts.length,
    started_ms: time(record.started_at), ended_ms: time(record.completed_at), tokens: record.usage?.completion_tokens ?? null, error: record.error,
  };
  return { ...found, ...store.tasks[record.id], position: record.position, eta: record.eta_seconds };
}

export default {
  components: { Age, Icon, Status },
  mixins: [renewed(2000)],
  data() {
    const asked = new URL(location.href).searchParams;
    const filters = Object.fromEntries(FIELDS.map((name) => [name, asked.get(name) ?? ""]));
    return { filters: { ...filters, dead: asked.get("dead") === "1" }, text: "", records: [], next: null, before: [], STATUS, WITHIN, asked: 0 };
  },
  computed: {
    rows() {
      const typed = this.text.trim().toLowerCase();
      const status = this.filters.status;
      return this.records.map(row).filter((task) => (!typed || `${taskName(task)} ${task.id} ${task.model ?? ""} ${task.owner}`.toLowerCase().includes(typed)) && (!status || task.status === status));
    },
    agents: () => agents.value.map((agent) => agent.id),
    models: () => [...new Set(agents.value.flatMap((agent) => agent.models.map((model) => model.name)))].sort(),
    filtered() {
      return FIELDS.some((name) => this.filters[name]) || this.filters.dead;
    },
    may: () => store.may,
    newest() {
      return this.before.length === 0;
    },
  },
  watch: {
    filters: {
      deep: true,
      handler() {
        this.before = [];
        this.remember();
        this.again();
      },
    },
  },
  methods: {
    age, clock, count, taskName, openTask,
    priority: (task) => PRIORITY[task.priority],
    lasted: (task) => duration(worked(task, store.now)),
    since: (task) => age(store.now - task.created_ms),
    place: (task) => [task.position ? `#${task.position}` : null, task.eta !== null && task.eta !== undefined ? `in ${duration(task.eta * 1000)}` : null].filter(Boolean).join(" · "),
    mayCancel: (task) => !ENDED.includes(task.status) && (store.may.cancel_all || task.owner === store.me),
    mayRequeue: (task) => task.status === "failed" && store.may.requeue,
    waits: (task) => WAITING.includes(task.status),
    async load() {
      const number = ++this.asked;
      const wanted = { limit: LIMIT, dead_letters: this.filters.dead };
      if (this.filters.status) wanted.status = [this.filters.status];
      for (const name of ["model", "agent_id", "owner"]) if (this.filters[name].trim()) wanted[name] = this.filters[name].trim();
      Object.assign(wanted, this.period());
      if (this.before.length) wanted.cursor = this.before.at(-1);
      const found = await ask("tasks.list", wanted);
      if (number !== this.asked) return;
      this.records = found.tasks;
      this.next = found.next_cursor;
    },
    // When a task was asked for; what is typed is of the viewer's own zone.
    period() {
      const { within, since, before } = this.filters;
      if (WITHIN[within]) return { since: new Date(store.now - WITHIN[within][0]).toISOString() };
      if (within !== "range") return {};
      const at = (text) => (Number.isNaN(Date.parse(text)) ? null : new Date(text).toISOString());
      return Object.fromEntries(Object.entries({ since: at(since), before: at(before) }).filter(([, time]) => time));
    },
    again() {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => {
        this.asking = false;
        this.renew();
      }, 150);
    },
    remember() {
      const url = new URL(location.href);
      for (const name of FIELDS) this.filters[name] ? url.searchParams.set(name, this.filters[name]) : url.searchParams.delete(name);
      this.filters.dead ? url.searchParams.set("dead", "1") : url.searchParams.delete("dead");
      history.replaceState(history.state, "", url);
    },
    clear() {
      Object.assign(this.filters, { ...Object.fromEntries(FIELDS.map((name) => [name, ""])), dead: false });
      this.text = "";
    },
    older() {
      this.before.push(this.next);
      this.again();
      window.scrollTo({ top: 0 });
    },
    newer() {
      this.before.pop();
      this.again();
    },
    find() {
      const typed = this.text.trim();
      if (/^[0-9a-f-]{32,36}$/i.test(typed)) location.assign("/tasks/" + typed);
    },
    async cancel(task) {
      const sure = await confirmed({ title: `Cancel “${taskName(task)}”?`, text: "What it has written so far is kept. A cancelled task is not taken up again.", action: "Cancel task" });
      if (sure && (await order("tasks.cancel", { id: task.id }, "Cancelled."))) this.again();
    },
    async requeue(task) {
      if (await order("tasks.requeue", { id: task.id }, "Back in the queue.")) this.again();
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">{{ may.view_all ? "Tasks" : "My tasks" }}</h1><span class="hv-space"></span>
        <input v-model="text" type="search" class="hv-input hv-search" placeholder="Find on this page, or a whole id" aria-label="Find on this page, or open a task by its whole id" @keydown.enter="find">
      </div>
      <form class="hv-filter-row" aria-label="Filters" @submit.prevent>
        <label class="hv-field"><span>Status</span><select v-model="filters.status" class="hv-input"><option value="">Any</option><option v-for="(label, key) in STATUS" :key="key" :value="key">{{ label }}</option></select></label>
        <label class="hv-field"><span>Model</span><input v-model.lazy="filters.model" class="hv-input" list="sheet-models" placeholder="Any"><datalist id="sheet-models"><option v-for="model in models" :key="model" :value="model"/></datalist></label>
        <label class="hv-field"><span>Agent</span><select v-model="filters.agent_id" class="hv-input"><option value="">Any</option><option v-for="agent in agents" :key="agent">{{ agent }}</option></select></label>
        <label v-if="may.view_all" class="hv-field"><span>User</span><input v-model.lazy="filters.owner" class="hv-input" placeholder="Any"></label>
        <label class="hv-field"><span>Asked for</span><select v-model="filters.within" class="hv-input"><option value="">At any time</option><option v-for="([, label], key) in WITHIN" :key="key" :value="key">{{ label }}</option><option value="range">From … to …</option></select></label>
        <template v-if="filters.within === 'range'"><label class="hv-field hv-when"><span>From</span><input v-model.lazy="filters.since" class="hv-input" type="datetime-local"></label><label class="hv-field hv-when"><span>To</span><input v-model.lazy="filters.before" class="hv-input" type="datetime-local"></label></template>
        <label class="hv-check"><input v-model="filters.dead" type="checkbox"> Failed for good</label>
        <button v-if="filtered || text" type="button" class="hv-text" @click="clear">Clear</button>
      </form>
      <Age :at="at" :failure="failure"/>
      <div class="hv-card hv-table hv-wide">
        <table v-if="rows.length">
          <thead><tr><th>Status</th><th class="hv-grow">Task</th><th>Model</th><th>Agent</th><th>User</th><th class="hv-right">Tokens</th><th class="hv-right">Duration</th><th class="hv-right">Age</th><th><span class="hv-hidden">Actions</span></th></tr></thead>
          <tbody>
            <tr v-for="task in rows" :key="task.id" tabindex="0" :aria-label="'Open ' + taskName(task)" @click="openTask(task.id)" @keydown.enter.self="openTask(task.id)">
              <td class="c-status"><Status :status="task.status"/></td>
              <td class="c-name hv-grow"><div class="hv-named"><a class="hv-name hv-clip" dir="auto" :title="taskName(task)" :href="'/tasks/' + task.id" @click.stop>{{ taskName(task) }}</a><span v-if="task.priority !== 3" class="hv-tag" :data-priority="task.priority">{{ priority(task) }}</span><span v-if="task.attempt > 1" class="hv-tag">attempt {{ task.attempt }}</span><span v-if="waits(task) && place(task)" class="hv-tag" title="Place in the queue, and when it is likely to begin">{{ place(task) }}</span></div><div v-if="task.error" class="hv-small hv-error hv-clip" :title="task.error.message"><code>{{ task.error.code }}</code> {{ task.error.message }}</div></td>
              <td class="c-model hv-soft"><div class="hv-clip" :title="task.model">{{ task.model ?? (waits(task) ? "any warm" : "–") }}</div></td>
              <td class="c-agent hv-soft"><div class="hv-clip" :title="task.agent_id">{{ task.agent_id ?? "–" }}</div></td>
              <td class="c-user hv-soft"><div class="hv-clip" :title="task.owner">{{ task.owner }}</div></td>
              <td class="c-tokens hv-right hv-num hv-soft">{{ count(task.tokens) }}</td>
              <td class="c-time hv-right hv-num hv-soft">{{ lasted(task) }}</td>
              <td class="c-age hv-right hv-num hv-muted" :title="clock(task.created_ms)">{{ since(task) }}</td>
              <td class="c-do hv-right"><button v-if="mayRequeue(task)" type="button" class="hv-ghost hv-small-square" :aria-label="'Run again ' + taskName(task)" title="Run again" @click.stop="requeue(task)"><Icon name="retry"/></button><button v-if="mayCancel(task)" type="button" class="hv-ghost hv-small-square" :aria-label="'Cancel ' + taskName(task)" title="Cancel" @click.stop="cancel(task)"><Icon name="stop"/></button></td>
            </tr>
          </tbody>
        </table>
        <div v-else-if="!at && !failure" class="hv-lines" aria-label="Loading"><i v-for="n in 8" :key="n"></i></div>
        <div v-else-if="filtered || text" class="hv-empty"><h3>No task like that</h3><p><button type="button" class="hv-text" @click="clear">Clear the filters</button></p></div>
        <div v-else-if="at" class="hv-empty"><Icon name="tasks"/><h3>No task yet</h3><p v-if="!may.submit">Your role may look but not submit. Ask an administrator for a developer key.</p>
          <p v-if="may.submit">Ask something in the <a href="/playground">playground</a>, or from a terminal:</p><pre v-if="may.submit"><code>hive task submit "Say hello in one short sentence."</code></pre></div>
      </div>
      <nav v-if="!newest || next" class="hv-pager" aria-label="Pages of tasks"><button type="button" class="hv-quiet" :disabled="newest" @click="newer">Newer</button><span class="hv-muted hv-small">Page {{ before.length + 1 }}, newest first</span><button type="button" class="hv-quiet" :disabled="!next" @click="older">Older</button></nav>
    </section>`,
};
