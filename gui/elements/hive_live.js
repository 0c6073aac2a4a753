// The page's one line to the server: frames come in by its methods, what a person asks for goes out as its events.
import { applyAnswer, applyFrame, connect, openTask, settle, store } from "hive-live";

const RETRY_MS = 1000;

export default {
  props: { may: Object, me: String, allowedModels: Array },
  emits: ["ready", "open", "close", "submit", "cancel", "requeue", "explain", "ask", "follow"],
  template: `<div hidden></div>`,
  mounted() {
    Object.assign(store, { may: this.may, me: this.me, allowedModels: this.allowedModels });
    connect((event, payload) => this.$emit(event, payload));
    this.$emit("ready", null);
    setTimeout(() => {
      // By itself it would wait up to 5 s between two tries, and a server that was away for a moment would seem to be away for long.
      window.socket.io.reconnectionDelayMax(RETRY_MS);
      window.socket.on("connect", () => (store.online = true));
      window.socket.on("disconnect", () => Object.assign(store, { online: false, lost: store.now }));
    });
    const asked = new URL(location.href).searchParams.get("task");
    if (asked) openTask(asked);
  },
  methods: {
    frame(data) {
      applyFrame(data);
    },
    answer(data) {
      applyAnswer(data);
    },
    record(record) {
      store.records[record.id] = record;
      delete store.failures[record.id];
    },
    accepted(record, beginning) {
      Object.assign(store, { sending: false, refused: null, composed: record.id });
      store.records[record.id] = record;
      if (beginning) store.mine[record.id] = beginning;
    },
    refused(failure) {
      Object.assign(store, { sending: false, refused: failure });
    },
    failed(id, failure) {
      store.failures[id] = failure;
    },
    settled(ref, data, failure) {
      settle(ref, data, failure);
    },
    explained(id, explanation) {
      store.explanations[id] = explanation;
    },
  },
};
