// What is wrong now, worst first. Nothing is shown when nothing is.
import { ago, Icon, store } from "hive-live";

const FEW = 3;

export default {
  components: { Icon },
  data: () => ({ all: false }),
  computed: {
    problems() {
      const own = store.online
        ? []
        : [{ level: "error", code: "dashboard_away", title: "The dashboard's server does not answer", text: "The page connects again by itself; if it does not, see `hive logs gui`.", as_of_ms: store.lost }];
      return [...own, ...store.problems];
    },
    shown() {
      return this.all || this.problems.length <= FEW + 1 ? this.problems : this.problems.slice(0, FEW);
    },
    hidden() {
      return this.problems.length - this.shown.length;
    },
  },
  methods: {
    age: ({ as_of_ms, silent_ms }) => (as_of_ms ? `What you see is from ${ago(store.now - as_of_ms)}. ` : silent_ms ? `It spoke last ${ago(store.now - silent_ms)}. ` : ""),
    toggle() {
      this.all = !this.all;
    },
    show(problem) {
      if (problem.alerts || problem.agents) {
        location.assign(problem.alerts ? "/alerts" : "/agents");
        return;
      }
      const place = document.getElementById(problem.failed_tasks ? "tasks" : "agent-" + problem.agent_id);
      if (!place) {
        location.assign(problem.failed_tasks ? "/tasks?status=failed" : "/agents/" + problem.agent_id);
        return;
      }
      if (problem.failed_tasks) store.filter = "failed";
      place.scrollIntoView({ behavior: "smooth", block: problem.failed_tasks ? "start" : "center" });
    },
    words(text) {
      return text.split("`").map((part, index) => ({ code: index % 2 === 1, part }));
    },
  },
  template: `
    <div role="alert"><ul v-if="problems.length" class="hv-problems hv-card" aria-label="What is wrong">
      <li v-for="problem in shown" :data-level="problem.level" :key="problem.title">
        <Icon name="alert"/>
        <div><b>{{ problem.title }}</b><span v-if="age(problem)">{{ age(problem) }}</span><span v-for="(word, index) in words(problem.text)" :key="index"><code v-if="word.code">{{ word.part }}</code><template v-else>{{ word.part }}</template></span></div>
        <code class="hv-code">{{ problem.code }}</code>
        <button v-if="problem.failed_tasks || problem.agent_id || problem.alerts || problem.agents" type="button" class="hv-text" :aria-label="'Show: ' + problem.title" @click="show(problem)">Show</button>
      </li>
      <li v-if="hidden || (all && problems.length > 4)" class="hv-problems-more"><button type="button" class="hv-text" @click="toggle">{{ hidden ? hidden + " more" : "Show fewer" }}</button></li>
    </ul></div>`,
};
