// A new task, and its answer as it comes.
import { agents, Answer, closeTask, duration, ENDED, Icon, openTask, rate, send, Status, store } from "hive-live";

const MAX_PROMPT = 900000;
const DRAFT = "hive-draft";

export default {
  components: { Answer, Icon, Status },
  data: () => ({ prompt: sessionStorage.getItem(DRAFT) ?? "", model: "", priority: 3, asked: "", sentAt: 0 }),
  computed: {
    may: () => store.may,
    sending: () => store.sending,
    refused: () => store.refused,
    id: () => store.composed,
    models() {
      const found = new Map();
      for (const agent of agents.value) {
        for (const model of agent.models) {
          const known = found.get(model.name) ?? { name: model.name, loaded: 0, online: 0 };
          if (agent.status !== "offline") known.online += 1;
          if (agent.status !== "offline" && model.loaded) known.loaded += 1;
          found.set(model.name, known);
        }
      }
      const allowed = store.allowedModels;
      return [...found.values()].filter((model) => !allowed.length || allowed.includes(model.name)).sort((a, b) => b.loaded - a.loaded || a.name.localeCompare(b.name));
    },
    tooLong() {
      return this.prompt.length > MAX_PROMPT;
    },
    ready() {
      return this.prompt.trim() && !this.sending && !this.tooLong && store.online && store.bus;
    },
    task() {
      return store.tasks[this.id] ?? null;
    },
    record() {
      return store.records[this.id] ?? null;
    },
    status() {
      const told = this.record && ENDED.includes(this.record.status) ? this.record.status : null;
      return told ?? this.task?.status ?? this.record?.status ?? "queued";
    },
    ended() {
      return ENDED.includes(this.status);
    },
    running() {
      return !this.ended && !this.failure;
    },
    failure() {
      return this.record?.error ?? store.failures[this.id] ?? store.answers[this.id]?.error ?? null;
    },
    place() {
      const agent = this.record?.assigned_agent_id ?? this.task?.agent_id;
      return agent ? `on ${agent}` : "";
    },
    away() {
      if (!store.online) return "The dashboard's server is away; what you write here is kept.";
      return store.bus ? "" : "The bus is away; what you write here is kept until it is back.";
    },
    facts() {
      const tokens = this.record?.usage?.completion_tokens;
      const timings = this.record?.timings;
      const first = timings?.time_to_first_token_seconds;
      return [
        tokens ? `${tokens} tokens` : null,
        rate(timings?.generation_tokens_per_second),
        first ? `first token after ${duration(first * 1000)}` : null,
      ].filter(Boolean);
    },
    hint() {
      if (this.status === "queued" || this.status === "pending") return "Waiting for a free slot.";
      if (this.status === "assigned") return "The model is being loaded.";
      return "";
    },
    started() {
      const answer = store.answers[this.id];
      return Boolean(answer?.text || answer?.thinking);
    },
  },
  watch: {
    prompt(text) {
      if (text.length < MAX_PROMPT) sessionStorage.setItem(DRAFT, text);
    },
    id() {
      if (!this.id) return;
      this.prompt = "";
      sessionStorage.removeItem(DRAFT);
    },
  },
  methods: {
    label(model) {
      if (!model.online) return `${model.name} (offline, waits)`;
      return model.loaded ? `${model.name} (warm)` : model.name;
    },
    submit() {
      if (!this.ready) return;
      this.asked = this.prompt;
      Object.assign(store, { sending: true, refused: null });
      send("submit", { prompt: this.prompt, model: this.model || null, priority: Number(this.priority) });
    },
    stop() {
      send("cancel", this.id);
    },
    open() {
      openTask(this.id);
    },
    dismiss() {
      store.composed = null;
      if (!store.open) closeTask();
    },
  },
  template: `
    <div><section v-if="may.submit" id="new-task" class="hv-card hv-composer" aria-labelledby="composer-title">
      <div class="hv-section"><h2 id="composer-title">New task</h2></div>
      <form @submit.prevent="submit">
        <label class="hv-hidden" for="prompt">Prompt</label>
        <textarea id="prompt" v-model="prompt" class="hv-input" dir="auto" rows="4" placeholder="What should be done?" @keydown.ctrl.enter.prevent="submit" @keydown.meta.enter.prevent="submit"></textarea>
        <div class="hv-controls">
          <label class="hv-field"><span>Model</span>
            <select v-model="model" class="hv-input"><option value="">Any warm model</option><option v-for="item in models" :key="item.name" :value="item.name">{{ label(item) }}</option></select>
          </label>
          <label class="hv-field hv-field-small"><span>Priority</span>
            <select v-model="priority" class="hv-input"><option :value="1">High</option><option :value="3">Medium</option><option :value="5">Low</option></select>
          </label>
          <button type="submit" class="hv-primary" :disabled="!ready" title="Ctrl + Enter"><Icon name="send"/>{{ sending ? "Sending" : "Run" }}</button>
        </div>
        <p v-if="tooLong" class="hv-failure" role="alert"><b>The prompt is too long for this page.</b> Send it by the API or <code>hive task submit</code>. <code class="hv-code">payload_too_large</code></p>
        <p v-else-if="away" class="hv-small hv-muted">{{ away }}</p>
        <p v-if="refused" class="hv-failure" role="alert"><span>{{ refused.message }}</span> <code class="hv-code">{{ refused.code }}</code></p>
      </form>
      <div v-if="id" class="hv-result" :data-task="id">
        <div class="hv-result-head">
          <Status :status="status"/>
          <span class="hv-small hv-muted hv-clip">{{ place }}</span>
          <span class="hv-space"></span>
          <button v-if="running" type="button" class="hv-quiet" @click="stop"><Icon name="stop"/>Stop</button>
          <button v-else type="button" class="hv-ghost hv-square" aria-label="Close the answer" title="Close" @click="dismiss"><Icon name="close"/></button>
        </div>
        <p class="hv-asked">{{ asked }}</p>
        <p v-if="running && !started && hint" class="hv-small hv-muted">{{ hint }}</p>
        <Answer :id="id" :running="running"/>
        <p v-if="failure" class="hv-failure" role="alert"><span>{{ failure.message }}</span> <code class="hv-code">{{ failure.code }}</code></p>
        <div class="hv-result-foot hv-small hv-muted"><span>{{ facts.join(" · ") }}</span><button type="button" class="hv-text" @click="open">Details</button></div>
      </div>
    </section></div>`,
};
