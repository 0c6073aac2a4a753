// The hive in five figures.
import { ACTIVE, agents, count, store, tasks } from "hive-live";

export default {
  computed: {
    online: () => agents.value.filter((agent) => agent.status !== "offline" && !agent.silent).length,
    agents: () => agents.value.length,
    degraded: () => agents.value.filter((agent) => agent.status === "degraded").length,
    draining: () => agents.value.filter((agent) => agent.status === "draining").length,
    slots: () => agents.value.filter((agent) => agent.status !== "offline").reduce((sum, agent) => sum + open(agent), 0),
    used: () => agents.value.filter((agent) => agent.status !== "offline").reduce((sum, agent) => sum + agent.running, 0),
    running: () => sum(store.cluster?.tasks) ?? tasks.value.filter((task) => ACTIVE.includes(task.status)).length,
    waiting: () => sum(store.cluster?.queue) ?? 0,
    classes: () => store.cluster?.queue ?? {},
    completed: () => store.minutes.reduce((sum, minute) => sum + minute.completed, 0),
    failed: () => store.minutes.reduce((sum, minute) => sum + minute.failed, 0),
    tokens: () => store.minutes.reduce((sum, minute) => sum + minute.tokens, 0),
    bars() {
      const most = Math.max(3, ...store.minutes.map((minute) => minute.completed + minute.failed));
      return store.minutes.map((minute, index) => ({
        x: index * 4,
        good: (minute.completed / most) * 28,
        bad: (minute.failed / most) * 28,
      }));
    },
  },
  methods: { count },
  template: `
    <section class="hv-summary hv-card" aria-label="Summary">
      <div class="hv-figure">
        <span>Agents online</span>
        <b class="hv-num">{{ online }}<small>of {{ agents }}</small></b>
        <em v-if="agents - online > 0" class="hv-bad">{{ agents - online }} away</em><em v-else-if="degraded" class="hv-bad">{{ degraded }} degraded</em><em v-else-if="draining">{{ draining }} draining</em><em v-else-if="agents">all here</em><em v-else>none yet</em>
      </div>
      <div class="hv-figure">
        <span>Slots in use</span>
        <b class="hv-num">{{ used }}<small>of {{ slots }}</small></b>
        <div class="hv-meter" role="img" :aria-label="used + ' of ' + slots + ' slots in use'"><i :style="{ width: slots ? Math.min(100, used / slots * 100) + '%' : 0 }"></i></div>
      </div>
      <div class="hv-figure">
        <span>Running</span>
        <b class="hv-num">{{ count(running) }}</b>
        <em>{{ running === 1 ? "task" : "tasks" }} at work</em>
      </div>
      <div class="hv-figure">
        <span>Waiting</span>
        <b class="hv-num">{{ count(waiting) }}</b>
        <em v-if="waiting" class="hv-num">{{ count(classes.high ?? 0) }} high · {{ count(classes.medium ?? 0) }} medium · {{ count(classes.low ?? 0) }} low</em>
        <em v-else>nothing waits</em>
      </div>
      <div class="hv-figure hv-figure-wide">
        <span>Ended in the last hour</span>
        <b class="hv-num">{{ count(completed + failed) }}<small v-if="failed" class="hv-bad">{{ count(failed) }} failed</small></b>
        <em class="hv-num">{{ count(tokens) }} tokens written</em>
        <svg viewBox="0 0 240 30" preserveAspectRatio="none" role="img" aria-label="Tasks ended in each of the last sixty minutes">
          <g v-for="bar in bars" :key="bar.x">
            <rect class="hv-bar-track" :x="bar.x" y="29" width="3" height="1"/>
            <rect class="hv-bar-good" :x="bar.x" :y="30 - bar.good" width="3" :height="bar.good"/>
            <rect class="hv-bar-bad" :x="bar.x" :y="30 - bar.good - bar.bad" width="3" :height="bar.bad"/>
          </g>
        </svg>
      </div>
    </section>`,
};

// One that drains ends what it has and takes nothing new.
function open(agent) {
  return agent.status === "draining" ? agent.running : agent.slots;
}

function sum(numbers) {
  return numbers ? Object.values(numbers).reduce((total, number) => total + number, 0) : null;
}
