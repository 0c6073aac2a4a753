// Talk to one model, or to two side by side. Each answer is a task of the hive, with a page of its own.
import { agents, Answer, ask, ENDED, Icon, rate, send, Status, store } from "hive-live";

const MOST_BYTES = 600_000; // of all files of a message: what one frame to the server holds
const TEXT = /\.(txt|md|csv|json|ya?ml|toml|ini|log|py|js|ts|html|css|sql|sh|xml)$/i;

const base64 = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.split(",")[1]);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

export default {
  components: { Answer, Icon, Status },
  data: () => ({ sides: [{ model: "", turns: [] }], system: "", temperature: "", most: "", text: "", files: [], failure: null }),
  computed: {
    models: () => [...new Set(agents.value.filter((agent) => agent.status !== "offline").flatMap((agent) => agent.models.map((model) => model.name)))].filter((name) => !store.allowedModels.length || store.allowedModels.includes(name)).sort(),
    running() {
      return this.sides.flatMap((side) => side.turns).filter((turn) => turn.id && !this.ended(turn.id)).map((turn) => turn.id);
    },
    begun() {
      return this.sides.some((side) => side.turns.length);
    },
    may: () => store.may,
  },
  methods: {
    ended(id) {
      return ENDED.includes(store.records[id]?.status ?? store.tasks[id]?.status) || Boolean(store.answers[id]?.error);
    },
    status: (id) => store.tasks[id]?.status ?? store.records[id]?.status ?? "queued",
    failureOf: (id) => store.records[id]?.error ?? store.answers[id]?.error ?? null,
    speed: (id) => rate(store.records[id]?.timings?.generation_tokens_per_second),
    compare() {
      if (this.sides.length === 1) this.sides.push({ model: "", turns: [] });
      else this.sides.pop();
    },
    anew() {
      for (const side of this.sides) side.turns = [];
      this.failure = null;
    },
    async add(event) {
      this.failure = null;
      for (const file of event.target.files) {
        const image = file.type.startsWith("image/");
        if (!image && !file.type.startsWith("text/") && !TEXT.test(file.name)) this.failure = { code: "unsupported_media_type", message: `${file.name} is neither text nor an image.` };
        else if (this.files.reduce((sum, held) => sum + held.size, file.size) > MOST_BYTES) this.failure = { code: "payload_too_large", message: `${file.name} is too large: all files of a message have ${MOST_BYTES / 1000} kB at most.` };
        else this.files.push({ name: file.name, size: file.size, image: image ? await base64(file) : null, text: image ? null : await file.text() });
      }
      event.target.value = "";
    },
    messages(side, content, images) {
      const before = side.turns.filter((turn) => turn.id && (store.records[turn.id]?.output?.text || store.answers[turn.id]?.text)).flatMap((turn) => [
        { role: "user", content: turn.content, images: turn.images },
        { role: "assistant", content: store.records[turn.id]?.output?.text ?? store.answers[turn.id].text },
      ]);
      return [...(this.system.trim() ? [{ role: "system", content: this.system.trim() }] : []), ...before, { role: "user", content, images }];
    },
    async say() {
      const words = this.text.trim();
      if (!words || this.running.length) return;
      this.failure = null;
      const content = [...this.files.filter((file) => file.text !== null).map((file) => `File ${file.name}:\n${file.text}\n`), words].join("\n");
      const images = this.files.filter((file) => file.image).map((file) => file.image);
      const options = {};
      if (this.temperature !== "") options.temperature = Number(this.temperature);
      if (this.most !== "") options.num_predict = Number(this.most);
      const names = this.files.map((file) => file.name);
      const sent = await Promise.all(this.sides.map((side) => this.one(side, { words, names, content, images, id: null }, options)));
      if (sent.some(Boolean)) Object.assign(this, { text: "", files: [] });
      this.follow();
    },
    async one(side, turn, options) {
      try {
        const record = await ask("tasks.submit", { messages: this.messages(side, turn.content, turn.images), options, ...(side.model ? { model: side.model } : {}), title: turn.words.slice(0, 80) });
        store.records[record.id] = record;
        side.turns.push({ ...turn, id: record.id });
        return true;
      } catch (failure) {
        this.failure = failure;
        return false;
      }
    },
    follow() {
      send("follow", this.sides.map((side) => side.turns.at(-1)?.id).filter(Boolean));
    },
    stop() {
      for (const id of this.running) send("cancel", id);
    },
  },
  template: `
    <section class="hv-sheet" aria-labelledby="sheet-title">
      <div class="hv-section hv-sheet-head"><h1 id="sheet-title">Playground</h1><span class="hv-space"></span><button v-if="begun" type="button" class="hv-quiet" :disabled="running.length > 0" @click="anew">New conversation</button><button type="button" class="hv-quiet" :aria-pressed="sides.length === 2" @click="compare">{{ sides.length === 2 ? "One model" : "Compare two" }}</button></div>
      <details class="hv-card hv-pad"><summary>System prompt and options</summary><div class="hv-filter-row">
        <label class="hv-field hv-whole"><span>System prompt</span><textarea v-model="system" class="hv-input" dir="auto" rows="2" placeholder="You answer in one sentence."></textarea></label>
        <label class="hv-field"><span>Temperature</span><input v-model="temperature" class="hv-input" type="number" min="0" max="2" step="0.1" placeholder="of the model"></label>
        <label class="hv-field"><span>Most tokens</span><input v-model="most" class="hv-input" type="number" min="1" placeholder="no limit"></label></div></details>
      <div class="hv-sides" :data-two="sides.length === 2"><section v-for="(side, number) in sides" :key="number" class="hv-card hv-pad hv-stack" :aria-label="'Model ' + (number + 1)">
        <label class="hv-field"><span>Model</span><select v-model="side.model" class="hv-input"><option value="">Any warm model</option><option v-for="model in models" :key="model">{{ model }}</option></select></label>
        <p v-if="!side.turns.length" class="hv-muted">Ask below. Each answer is a task: it waits its turn, and has a page of its own.</p>
        <div v-for="(turn, place) in side.turns" :key="place" class="hv-turn"><div class="hv-prompt" dir="auto">{{ turn.words }}<span v-for="name in turn.names" :key="name" class="hv-tag">{{ name }}</span></div>
          <Answer :id="turn.id" :running="!ended(turn.id)"/><p v-if="failureOf(turn.id)" class="hv-failure">{{ failureOf(turn.id).message }} <code class="hv-code">{{ failureOf(turn.id).code }}</code></p>
          <div class="hv-result-foot hv-small hv-muted"><Status :status="status(turn.id)"/><span class="hv-num">{{ speed(turn.id) }}</span><a :href="'/tasks/' + turn.id">Task {{ turn.id.slice(0, 8) }}</a></div></div>
      </section></div>
      <form v-if="may.submit" class="hv-card hv-pad hv-stack hv-say" @submit.prevent="say">
        <p v-if="failure" class="hv-failure" role="alert">{{ failure.message }} <code class="hv-code">{{ failure.code }}</code></p>
        <textarea v-model="text" class="hv-input" dir="auto" rows="3" aria-label="Message" placeholder="Message" @keydown.ctrl.enter.prevent="say" @keydown.meta.enter.prevent="say"></textarea>
        <div class="hv-controls"><label class="hv-quiet">Add files<input class="hv-hidden" type="file" multiple @change="add"></label><span v-for="(file, index) in files" :key="file.name" class="hv-tag">{{ file.name }} <button type="button" class="hv-text" :aria-label="'Leave out ' + file.name" @click="files.splice(index, 1)">×</button></span><span class="hv-space"></span>
          <button v-if="running.length" type="button" class="hv-quiet hv-danger" @click="stop"><Icon name="stop"/>Stop</button><button v-else type="submit" class="hv-primary" :disabled="!text.trim()"><Icon name="send"/>Send</button></div>
      </form>
      <p v-else class="hv-away">Your role may look but not submit. Ask an administrator for a developer key.</p>
    </section>`,
};
