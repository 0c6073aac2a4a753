// One task in full: what was asked, what came of it, each attempt, and what can be done about it.
import { ask, confirmed, order, say } from "./asking.js";
import Answer from "./answer.js";
import { ago, clock, count, duration, PRIORITY, rate } from "./format.js";
import Icon from "./icon.js";
import Status from "./status.js";
import { agents, ENDED, send, store, WAITING } from "./store.js";

const ATTEMPT = { offered: "Offered", running: "Running", completed: "Completed", failed: "Failed", cancelled: "Cancelled", refused: "Refused", lost: "Lost", preempted: "Yielded" };

export default {
  props: { id: { type: String, required: true }, page: Boolean },
  components: { Answer, Icon, Status },
  data: () => ({ home: "", PRIORITY }),
  computed: {
    row() {
      return store.tasks[this.id] ?? null;
    },
    record() {
      return store.records[this.id] ?? null;
    },
    status() {
      return this.row?.status ?? this.record?.status ?? null;
    },
    ended() {
      return ENDED.includes(this.status);
    },
    waits() {
      return WAITING.includes(this.status);
    },
    failure() {
      return store.failures[this.id] ?? store.answers[this.id]?.error ?? null;
    },
    explanation() {
      return store.explanations[this.id] ?? null;
    },
    input() {
      if (this.record?.prompt) return [{ role: null, content: this.record.prompt }];
      return this.record?.messages ?? [];
    },
    mayCancel() {
      const own = this.record?.owner === store.me;
      return !this.ended && this.status && (store.may.cancel_all || own);
    },
    mayPrioritize() {
      return this.waits && this.record && (store.may.prioritize_all || this.record.owner === store.me);
    },
    mayRequeue() {
      return store.may.requeue && this.status === "failed";
    },
    mayAssign() {
      return store.may.requeue && this.waits && this.homes.length > 0;
    },
    homes: () => agents.value.filter((agent) => agent.status !== "offline").map((agent) => agent.id),
    // What is known to have happened, in its order.
    events() {
      const record = this.record;
      if (!record) return [];
      const found = [[record.created_at, "Asked for by " + record.owner]];
      for (const attempt of record.attempts) {
        const which = `attempt ${attempt.number} on ${attempt.agent_id}`;
        found.push([attempt.offered_at, "Offered: " + which]);
        if (attempt.started_at) found.push([attempt.started_at, "Begun: " + which]);
        if (attempt.ended_at) found.push([attempt.ended_at, `${ATTEMPT[attempt.status]}: ${which}${attempt.error ? ", " + attempt.error.code : ""}`]);
      }
      if (record.completed_at) found.push([record.completed_at, { completed: "Done", failed: "Failed", cancelled: "Cancelled" }[record.status] ?? record.status]);
      return found.map(([time, words]) => ({ at: Date.parse(time), words })).sort((a, b) => a.at - b.at);
    },
    facts() {
      const record = this.record;
      if (!record) return [];
      const timings = record.timings ?? {};
      const seconds = (value) => (value === null || value === undefined ? null : duration(value * 1000));
      const created = Date.parse(record.created_at);
      const worked = record.started_at ? Date.parse(record.completed_at ?? new Date(store.now)) - Date.parse(record.started_at) : null;
      return [
        ["Model", record.model ?? record.attempts.at(-1)?.model ?? "any warm model"],
        ["Agent", record.assigned_agent_id ?? this.row?.agent_id],
        ["Priority", PRIORITY[record.priority]],
        ["Place in queue", this.waits ? record.position : null],
        ["Begins in about", this.waits ? seconds(record.eta_seconds) : null],
        ["Put back", this.waits && record.rise ? `from ${record.rise.before} to ${record.rise.position}: ${record.rise.in_words}` : null],
        ["Owner", record.owner],
        ["Conversation", record.session],
        ["Waits for", record.depends_on.length ? record.depends_on.map((id) => id.slice(0, 8)).join(", ") : null],
        ["Not before", record.not_before ? clock(Date.parse(record.not_before)) : null],
        ["Deadline", record.deadline ? clock(Date.parse(record.deadline)) : null],
        ["Attempts", `${record.attempts.length} of ${record.max_attempts} allowed`],
        ["Options", Object.keys(record.options ?? {}).length ? Object.entries(record.options).map(([name, value]) => `${name} ${value}`).join(", ") : null],
        ["Created", ago(store.now - created), clock(created)],
        ["Duration", worked === null ? null : duration(worked)],
        ["Waited", seconds(timings.queue_seconds)],
        ["Model load", timings.load_seconds > 0.05 ? seconds(timings.load_seconds) : null],
        ["First token", seconds(timings.time_to_first_token_seconds)],
        ["Tokens", record.usage ? `${count(record.usage.prompt_tokens)} in · ${count(record.usage.completion_tokens)} out` : null],
        ["Speed", rate(timings.generation_tokens_per_second)],
      ].filter(([, value]) => value !== null && value !== undefined);
    },
    attempts() {
      return (this.record?.attempts ?? []).map((attempt) => ({
        ...attempt,
        label: ATTEMPT[attempt.status],
        lasted: attempt.ended_at && attempt.started_at ? duration(Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) : null,
      }));
    },
    hasOutput() {
      const answer = store.answers[this.id];
      return Boolean(answer?.text || answer?.thinking || this.record?.output?.text || this.record?.output?.thinking || this.record?.output?.tool_calls?.length);
    },
  },
  mounted() {
    if (this.waits) this.explain();
  },
  watch: {
    // What waits says why, without being asked; the button asks again.
    waits(now) {
      if (now && !this.explanation) this.explain();
    },
    // Its answer is being followed already, but for one that had ended and is run again, or one that could not be followed.
    async status(now, before) {
      if (!now || !before) return;
      if (ENDED.includes(before) || this.failure) return send("open", this.id);
      try {
        store.records[this.id] = await ask("tasks.get", { id: this.id });
      } catch (failure) {
        store.failures[this.id] = failure;
      }
    },
  },
  methods: {
    // What the browser shows follows the record: a change that is refused is taken back.
    prioritize(event) {
      const priority = Number(event.target.value);
      event.target.value = this.record.priority;
      return this.rank(priority);
    },
    async rank(priority) {
      const before = this.record.priority;
      const record = await order("tasks.prioritize", { id: this.id, priority }, `Its priority is ${PRIORITY[priority]} now.`, () => this.rank(before));
      if (record) store.records[this.id] = record;
    },
    clockOf: clock,
    timeOf: (at) => new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    sentence: (text) => text.charAt(0).toUpperCase() + text.slice(1),
    async cancel() {
      if (!(await confirmed({ title: "Cancel this task?", text: "What it has written so far is kept. A cancelled task is not taken up again.", action: "Cancel task" }))) return;
      send("cancel", this.id);
    },
    requeue() {
      send("requeue", this.id);
    },
    explain() {
      send("explain", this.id);
    },
    async assign() {
      const agent_id = this.home;
      this.home = "";
      try {
        store.records[this.id] = await ask("tasks.assign", { id: this.id, agent_id });
        say(`Given to ${agent_id}.`);
      } catch (failure) {
        store.failures[this.id] = failure;
      }
    },
  },
  template: `
    <div class="hv-task-view">
        <div class="hv-drawer-bar">
          <Status v-if="status" :status="status"/>
          <span class="hv-space"></span>
          <a v-if="!page" class="hv-quiet" :href="'/tasks/' + id">Open as a page</a>
          <label v-if="mayPrioritize" class="hv-inline"><span class="hv-small hv-muted">Priority</span><select class="hv-input hv-priority" :value="record.priority" @change="prioritize"><option v-for="(label, value) in PRIORITY" :key="value" :value="Number(value)">{{ label }}</option></select></label>
          <select v-if="mayAssign" v-model="home" class="hv-input hv-assign" aria-label="Assign to an agent"><option value="" disabled>Assign to…</option><option v-for="agent in homes" :key="agent" :value="agent">{{ agent }}</option></select><button v-if="mayAssign && home" type="button" class="hv-quiet" @click="assign">Assign</button>
          <button v-if="waits" type="button" class="hv-quiet" @click="explain"><Icon name="info"/>Why does it wait?</button>
          <button v-if="mayRequeue" type="button" class="hv-quiet" @click="requeue"><Icon name="retry"/>Run again</button>
          <button v-if="mayCancel" type="button" class="hv-quiet hv-danger" @click="cancel"><Icon name="stop"/>Cancel</button>
        </div>
        <div class="hv-drawer-body">
          <p v-if="failure" class="hv-failure" role="alert"><span>{{ failure.message }}</span> <code class="hv-code">{{ failure.code }}</code></p>
          <div v-if="!record && !failure" class="hv-lines"><i v-for="n in 4" :key="n"></i></div>
          <p v-if="record && record.error" class="hv-failure"><span>{{ record.error.message }}</span> <code class="hv-code">{{ record.error.code }}</code></p>
          <section v-if="explanation && waits">
            <h3>Why it waits</h3>
            <p class="hv-soft">{{ sentence(explanation.reason) }}</p>
            <ul class="hv-why"><li v-for="agent in explanation.agents" :key="agent.agent_id" :data-able="agent.able"><Icon :name="agent.able ? 'check' : 'close'"/><b>{{ agent.agent_id }}</b><span class="hv-muted">{{ agent.reason }}</span></li></ul>
          </section>
          <section v-if="record">
            <h3>Output</h3>
            <p v-if="ended && !hasOutput" class="hv-muted">{{ record.status === "completed" ? "The model answered with nothing." : "It ended without output." }}</p>
            <p v-else-if="!ended && !hasOutput" class="hv-muted">Nothing written yet.</p>
            <Answer :id="id" :running="!ended"/>
          </section>
          <section v-if="input.length">
            <h3>Prompt</h3>
            <div v-for="(message, index) in input" :key="index" class="hv-prompt" dir="auto" tabindex="0"><span v-if="message.role" class="hv-tag">{{ message.role }}</span>{{ message.content }}</div>
          </section>
          <section v-if="facts.length">
            <h3>Details</h3>
            <dl class="hv-facts"><div v-for="[label, value, hint] in facts" :key="label"><dt>{{ label }}</dt><dd :title="hint">{{ value }}</dd></div></dl>
          </section>
          <section v-if="attempts.length">
            <h3>Attempts</h3>
            <ol class="hv-attempts"><li v-for="attempt in attempts" :key="attempt.id" :data-status="attempt.status"><b class="hv-num">{{ attempt.number }}</b><div><span class="hv-attempt-where">{{ attempt.label }} on {{ attempt.agent_id }}</span><span class="hv-muted hv-small">{{ attempt.model }}{{ attempt.lasted ? " · " + attempt.lasted : "" }}</span><p v-if="attempt.error" class="hv-error hv-small"><code>{{ attempt.error.code }}</code> {{ attempt.error.message }}</p></div></li></ol>
          </section>
          <section v-if="page && events.length">
            <h3>What happened</h3>
            <ol class="hv-events"><li v-for="(event, index) in events" :key="index"><time class="hv-num hv-muted" :title="clockOf(event.at)">{{ timeOf(event.at) }}</time>{{ event.words }}</li></ol>
          </section>
        </div>
    </div>`,
};
