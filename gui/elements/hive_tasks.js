// The newest tasks: a table, and on a phone a list of the same rows.
import { ACTIVE, age, clock, count, duration, Icon, openTask, PRIORITY, Status, store, taskName, tasks, WAITING, worked } from "hive-live";

const FILTERS = [
  ["all", "All", () => true],
  ["waiting", "Waiting", (task) => WAITING.includes(task.status)],
  ["running", "Running", (task) => ACTIVE.includes(task.status)],
  ["completed", "Done", (task) => task.status === "completed"],
  ["failed", "Failed", (task) => task.status === "failed"],
];
const STEP = 25;

export default {
  components: { Icon, Status },
  data: () => ({ shown: STEP }),
  computed: {
    now: () => store.now,
    filter: () => store.filter,
    filters: () => FILTERS.map(([key, label, test]) => ({ key, label, number: tasks.value.filter(test).length })),
    found: () => tasks.value.filter(FILTERS.find(([key]) => key === store.filter)[2]),
    rows() {
      return this.found.slice(0, this.shown);
    },
    any: () => tasks.value.length > 0,
    loading: () => !store.loaded || (!store.listed && store.coordinator && !tasks.value.length),
    unknown: () => store.loaded && !store.listed,
    may: () => store.may,
  },
  methods: {
    age,
    clock,
    count,
    openTask,
    taskName,
    priority: (task) => PRIORITY[task.priority],
    waits: (task) => WAITING.includes(task.status),
    lasted: (task) => duration(worked(task, store.now)),
    choose(key) {
      store.filter = key;
      this.shown = STEP;
    },
    more() {
      this.shown += STEP;
    },
  },
  template: `
    <div><section id="tasks" class="hv-tasks" aria-labelledby="tasks-title">
      <div class="hv-section">
        <h2 id="tasks-title">{{ may.view_all ? "Tasks" : "My tasks" }}</h2>
        <span class="hv-space"></span>
        <div class="hv-filters" role="group" aria-label="Show">
          <button v-for="item in filters" :key="item.key" type="button" :aria-pressed="filter === item.key" @click="choose(item.key)">{{ item.label }}<span v-if="item.number && item.key !== 'all'" class="hv-num">{{ item.number }}</span></button>
        </div>
      </div>
      <div class="hv-card hv-table">
        <table v-if="rows.length">
          <thead><tr><th>Status</th><th class="hv-grow">Task</th><th>Model</th><th>Agent</th><th class="hv-right">Tokens</th><th class="hv-right">Duration</th><th class="hv-right">Age</th></tr></thead>
          <tbody>
            <tr v-for="task in rows" :key="task.id" tabindex="0" :aria-label="'Open ' + taskName(task)" @click="openTask(task.id)" @keydown.enter="openTask(task.id)">
              <td class="c-status"><Status :status="task.status"/></td>
              <td class="c-name hv-grow"><div class="hv-named"><span class="hv-name hv-clip" dir="auto" :title="taskName(task)">{{ taskName(task) }}</span><span v-if="task.priority !== 3" class="hv-tag" :data-priority="task.priority">{{ priority(task) }}</span><span v-if="task.attempt > 1" class="hv-tag">attempt {{ task.attempt }}</span></div><div v-if="task.error" class="hv-small hv-error hv-clip" :title="task.error.message"><code>{{ task.error.code }}</code> {{ task.error.message }}</div></td>
              <td class="c-model hv-soft"><div class="hv-clip" :title="task.model">{{ task.model ?? (waits(task) ? "any warm" : "–") }}</div></td>
              <td class="c-agent hv-soft"><div class="hv-clip" :title="task.agent_id">{{ task.agent_id ?? "–" }}</div></td>
              <td class="c-tokens hv-right hv-num hv-soft">{{ count(task.tokens) }}</td>
              <td class="c-time hv-right hv-num hv-soft">{{ lasted(task) }}</td>
              <td class="c-age hv-right hv-num hv-muted" :title="clock(task.created_ms)">{{ age(now - task.created_ms) }}</td>
            </tr>
          </tbody>
        </table>
        <div v-else-if="loading" class="hv-lines" aria-label="Loading"><i v-for="n in 5" :key="n"></i></div>
        <div v-else-if="any" class="hv-empty"><h3>No task like that</h3><p>None of the newest tasks is in this state. <button type="button" class="hv-text" @click="choose('all')">Show all</button></p></div>
        <div v-else-if="unknown" class="hv-empty"><Icon name="tasks"/><h3>Tasks are not known yet</h3><p>They show as soon as a coordinator answers.</p></div>
        <div v-else class="hv-empty">
          <Icon name="tasks"/>
          <h3>No task yet</h3>
          <p v-if="may.submit">Ask something in <b>New task</b>, or from a terminal:</p>
          <p v-else>Your role may look but not submit. Ask an administrator for a developer key.</p>
          <pre v-if="may.submit"><code>hive task submit "Say hello in one short sentence."</code></pre>
        </div>
        <button v-if="found.length > rows.length" type="button" class="hv-more" @click="more">Show {{ Math.min(25, found.length - rows.length) }} more of {{ found.length }}</button>
      </div>
    </section></div>`,
};
