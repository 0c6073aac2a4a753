// One task in full: what was asked, what came of it, each attempt, and what can be done about it.
import { ago, Answer, clock, closeTask, count, duration, ENDED, Icon, PRIORITY, rate, send, Status, store, taskName, WAITING } from "hive-live";

const ATTEMPT = { offered: "Offered", running: "Running", completed: "Completed", failed: "Failed", cancelled: "Cancelled", refused: "Refused", lost: "Lost" };

export default {
  components: { Answer, Icon, Status },
  data: () => ({ copied: false, before: null }),
  computed: {
    id: () => store.open,
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
    name() {
      return this.record || this.row ? taskName({ id: this.id, title: this.record?.title ?? this.row?.title }) : `Task ${this.id.slice(0, 8)}`;
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
    mayRequeue() {
      return store.may.requeue && this.status === "failed";
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
  watch: {
    id(now, before) {
      document.body.classList.toggle("hv-locked", Boolean(now));
      if (now && !before) this.before = document.activeElement;
      if (now) this.$nextTick(() => this.$refs.close?.focus());
      else this.before?.focus?.();
    },
    status(now, before) {
      if (now && before && now !== before) send("open", this.id);
    },
  },
  mounted() {
    this.escape = (event) => event.key === "Escape" && this.id && this.close();
    window.addEventListener("keydown", this.escape);
  },
  unmounted() {
    window.removeEventListener("keydown", this.escape);
  },
  methods: {
    close: closeTask,
    sentence: (text) => text.charAt(0).toUpperCase() + text.slice(1),
    clock,
    cancel() {
      send("cancel", this.id);
    },
    requeue() {
      send("requeue", this.id);
    },
    explain() {
      send("explain", this.id);
    },
    async copy(text) {
      await navigator.clipboard?.writeText(text);
      this.copied = true;
      setTimeout(() => (this.copied = false), 1500);
    },
  },
  template: `
    <div><Teleport to="body">
      <div v-if="id" class="hv-veil" @click="close"></div>
      <aside v-if="id" class="hv-drawer" role="dialog" aria-modal="true" aria-labelledby="drawer-title" :data-task="id">
        <header>
          <div class="hv-drawer-title">
            <h2 id="drawer-title" class="hv-clip">{{ name }}</h2>
            <button type="button" class="hv-id hv-mono" :title="'Copy ' + id" @click="copy(id)">{{ id }}<Icon :name="copied ? 'check' : 'copy'"/></button>
          </div>
          <button ref="close" type="button" class="hv-ghost hv-square" aria-label="Close" title="Close (Esc)" @click="close"><Icon name="close"/></button>
        </header>
        <div class="hv-drawer-bar">
          <Status v-if="status" :status="status"/>
          <span class="hv-space"></span>
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
            <div v-for="(message, index) in input" :key="index" class="hv-prompt"><span v-if="message.role" class="hv-tag">{{ message.role }}</span>{{ message.content }}</div>
          </section>
          <section v-if="facts.length">
            <h3>Details</h3>
            <dl class="hv-facts"><div v-for="[label, value, hint] in facts" :key="label"><dt>{{ label }}</dt><dd :title="hint">{{ value }}</dd></div></dl>
          </section>
          <section v-if="attempts.length">
            <h3>Attempts</h3>
            <ol class="hv-attempts"><li v-for="attempt in attempts" :key="attempt.id" :data-status="attempt.status"><b class="hv-num">{{ attempt.number }}</b><div><span class="hv-attempt-where">{{ attempt.label }} on {{ attempt.agent_id }}</span><span class="hv-muted hv-small">{{ attempt.model }}{{ attempt.lasted ? " · " + attempt.lasted : "" }}</span><p v-if="attempt.error" class="hv-error hv-small"><code>{{ attempt.error.code }}</code> {{ attempt.error.message }}</p></div></li></ol>
          </section>
        </div>
      </aside>
    </Teleport></div>`,
};
