// Questions to the server with one answer each, and what asks them again and again while somebody looks.
import { connected, send, store } from "./store.js";

const PATIENCE_MS = 15000;
const AWAY = { code: "dashboard_away", message: "The dashboard's server did not answer." };
const AFTER_FAILURE_MS = 2000;
const NOBODY = new Set([AWAY.code, "deadline_exceeded", "no_leader", "not_ready", "unavailable", "bus_unavailable", "database_unavailable"]);
const open = new Map();
let last = 0;

// The answer of a verb, such as `tasks.list`; what is thrown is the failure with its code.
export function ask(verb, body = {}) {
  const ref = String(++last);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(ref, null, AWAY), PATIENCE_MS);
    open.set(ref, { resolve, reject, timer });
    send("ask", { ref, verb, body });
  });
}

export function settle(ref, data, failure) {
  const asked = open.get(ref);
  if (!asked) return;
  open.delete(ref);
  clearTimeout(asked.timer);
  if (failure) asked.reject(failure);
  else asked.resolve(data);
}

// Ask a person first. `about`: title, text, action.
export function confirmed(about) {
  return new Promise((resolve) => (store.question = { ...about, resolve }));
}

// `undo`: what takes it back, offered as long as it is said.
let hide = 0;
export function say(text, failure = null, undo = null) {
  store.note = { text, failure, undo };
  clearTimeout(hide);
  hide = setTimeout(() => (store.note = null), failure || undo ? 12000 : 4000);
}

// Does an order, says that it is done or why not, and tells whether it was.
export async function order(verb, body, done, undo = null) {
  try {
    const answer = await ask(verb, body);
    if (done) say(done, null, undo);
    return answer;
  } catch (failure) {
    say(failure.message, failure);
    return null;
  }
}

// For a component with a method `load`: it is called at once, then every `everyMs` while the page is in sight. What was shown before a
// failure stays, with its age; after one it is asked again sooner where
// somebody was away.
export const renewed = (everyMs) => ({
  data: () => ({ at: null, failure: null, asking: false, parts: {} }),
  mounted() {
    this.renew();
    this.renewal = setInterval(() => document.hidden || this.renew(), everyMs);
    this.seen = () => document.hidden || this.renew();
    document.addEventListener("visibilitychange", this.seen);
  },
  unmounted() {
    clearInterval(this.renewal);
    clearTimeout(this.soon);
    document.removeEventListener("visibilitychange", this.seen);
  },
  methods: {
    // What is asked for has changed: an answer to what was asked before is not waited for.
    again() {
      this.asking = false;
      return this.renew();
    },
    sooner({ code }) {
      clearTimeout(this.soon);
      if (NOBODY.has(code)) this.soon = setTimeout(() => document.hidden || this.renew(), AFTER_FAILURE_MS);
    },
    // For a page of parts, by name a question and what takes its answer: one that fails is said beside the others, `<Age v-bind="parts.NAME"/>`,
    // which come as they do alone. Throws where all fail.
    async each(asked) {
      const names = Object.keys(asked), before = this.parts;
      const found = await Promise.allSettled(Object.values(asked).map(([question, take]) => question.then(take)));
      const failures = found.filter((part) => part.status === "rejected").map((part) => part.reason);
      const all = failures.length === names.length;
      const now = found.map((part, index) => {
        const name = names[index];
        return [name, part.status === "fulfilled" ? { at: store.now, failure: null } : { at: before[name]?.at ?? null, failure: all ? null : part.reason }];
      });
      this.parts = { ...before, ...Object.fromEntries(now) };
      if (all) throw failures[0];
      if (failures.length) this.sooner(failures[0]);
    },
    async renew() {
      if (this.asking) return;
      this.asking = true;
      try {
        await connected;
        await this.load();
        this.at = store.now;
        this.failure = null;
      } catch (failure) {
        if (!failure.code) console.error(failure);
        this.failure = failure.code ? failure : { code: "internal", message: String(failure) };
        this.sooner(failure);
      } finally {
        this.asking = false;
      }
    },
  },
});
