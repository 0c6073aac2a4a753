// The pages, the command palette, and what any page may need: a question with two answers, and a note of what was done.
import { found, goTo, Icon, PAGES, store, workflowsLike } from "hive-live";

const SEARCH_MS = 200;

export default {
  components: { Icon },
  props: { logo: String },
  data: () => ({ typed: "", chosen: 0, workflows: [], path: location.pathname }),
  computed: {
    pages: () => PAGES.filter(([, , , test]) => test(store.may)).map(([path, label, icon]) => ({ path, label, icon })),
    menu: () => store.menu,
    question: () => store.question,
    note: () => store.note,
    firing: () => store.problems.length,
    words() {
      return this.typed.trim().toLowerCase();
    },
    found() {
      return found(this.words, this.workflows);
    },
  },
  watch: {
    typed() {
      this.chosen = 0;
      clearTimeout(this.soon);
      this.soon = setTimeout(this.search, SEARCH_MS);
    },
    question(now) {
      if (now) this.$nextTick(() => this.$refs.question.showModal());
    },
  },
  mounted() {
    this.keys = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        this.open();
      }
      if (event.key === "Escape" && store.menu) store.menu = false;
    };
    window.addEventListener("keydown", this.keys);
    this.jump = () => goTo(location.hash.slice(1));
    window.addEventListener("hashchange", this.jump);
    this.jump();
  },
  unmounted() {
    window.removeEventListener("keydown", this.keys);
    window.removeEventListener("hashchange", this.jump);
  },
  methods: {
    here(path) {
      return path === "/" ? this.path === "/" : this.path === path || this.path.startsWith(path + "/") || (path === "/workflows" && this.path.startsWith("/executions"));
    },
    toggle() {
      store.menu = !store.menu;
    },
    open() {
      this.typed = "";
      this.chosen = 0;
      if (!this.$refs.palette.open) this.$refs.palette.showModal();
      this.$refs.search.focus();
      this.workflows = [];
    },
    // An answer to what was typed before is of no use.
    async search() {
      const words = this.words, workflows = await workflowsLike(words);
      if (words === this.words) this.workflows = workflows;
    },
    move(by) {
      this.chosen = (this.chosen + by + this.found.length) % Math.max(1, this.found.length);
      this.$nextTick(() => document.getElementById("palette-" + this.chosen)?.scrollIntoView({ block: "nearest" }));
    },
    take(item) {
      if (!item) return;
      this.$refs.palette.close();
      if (item.run) item.run();
      else location.assign(item.go);
    },
    answer(yes) {
      const asked = store.question;
      store.question = null;
      this.$refs.question?.close();
      asked?.resolve(yes);
    },
    undo(note) {
      store.note = null;
      note.undo();
    },
    outside(event, close) {
      if (event.target === event.currentTarget) close();
    },
  },
  template: `
    <div class="hv-shell">
      <button type="button" class="hv-ghost hv-square hv-menu" :aria-expanded="menu" aria-controls="pages" aria-label="Pages" @click="toggle"><Icon :name="menu ? 'close' : 'tasks'"/></button>
      <div v-if="menu" class="hv-veil hv-nav-veil" @click="toggle"></div>
      <nav id="pages" class="hv-nav" :class="{ open: menu }" aria-label="Pages">
        <a class="hv-nav-brand" href="/"><img :src="logo" alt="" width="24" height="24">Hive</a>
        <button type="button" class="hv-find" aria-keyshortcuts="Control+K" @click="open"><Icon name="find"/>Find<kbd>Ctrl K</kbd></button>
        <ul><li v-for="page in pages" :key="page.path"><a :href="page.path" :aria-current="here(page.path) ? 'page' : null"><Icon :name="page.icon"/>{{ page.label }}</a></li></ul>
      </nav>
      <dialog ref="palette" class="hv-palette" aria-label="Find a page, agent, model, workflow or task, or something to do" @click="outside($event, () => $refs.palette.close())">
        <div>
          <input ref="search" v-model="typed" type="search" class="hv-input" placeholder="Page, agent, model, workflow, action or an id" aria-label="Find" role="combobox" aria-expanded="true" aria-controls="palette-found" :aria-activedescendant="'palette-' + chosen" autocomplete="off" @keydown.down.prevent="move(1)" @keydown.up.prevent="move(-1)" @keydown.enter.prevent="take(found[chosen])">
          <ul id="palette-found" role="listbox" aria-label="Found"><li v-for="(item, index) in found" :id="'palette-' + index" :key="item.kind + item.label + item.go" role="option" :aria-selected="index === chosen" @mousemove="chosen = index" @click="take(item)"><span class="hv-clip">{{ item.label }}</span><span class="hv-muted hv-small">{{ item.kind }}</span></li></ul>
          <p v-if="!found.length" class="hv-muted">Nothing is called that. A task, workflow or execution is found by its whole id; a task by its name, too, while it is among the newest.</p>
        </div>
      </dialog>
      <dialog v-if="question" ref="question" class="hv-question" aria-labelledby="question-title" @close="answer(false)">
        <h2 id="question-title">{{ question.title }}</h2>
        <p>{{ question.text }}</p>
        <div class="hv-row-end"><button type="button" class="hv-quiet" autofocus @click="answer(false)">Keep it so</button><button type="button" class="hv-quiet hv-danger" @click="answer(true)">{{ question.action }}</button></div>
      </dialog>
      <div class="hv-note-place" role="status"><p v-if="note" class="hv-note" :class="{ 'hv-note-bad': note.failure }">{{ note.text }} <code v-if="note.failure" class="hv-code">{{ note.failure.code }}</code><button v-if="note.undo" type="button" class="hv-text" @click="undo(note)">Undo</button></p></div>
    </div>`,
};
