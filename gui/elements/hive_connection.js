// Whether what the page shows is true right now.
import { store } from "hive-live";

export default {
  computed: {
    state() {
      if (!store.online) return { kind: "bad", text: "Reconnecting", hint: "The dashboard's server does not answer. The page tries again by itself." };
      if (!store.loaded) return { kind: "wait", text: "Connecting", hint: "Waiting for the first data." };
      if (!store.bus) return { kind: "bad", text: "Bus away", hint: "NATS does not answer the dashboard (bus_unavailable)." };
      if (!store.coordinator) return { kind: "warn", text: "No leader", hint: "No coordinator leads at the moment (no_leader)." };
      return { kind: "good", text: "Live", hint: "Connected; changes show within a quarter of a second." };
    },
  },
  template: `<span class="hv-connection" :data-kind="state.kind" :title="state.hint" role="status"><i aria-hidden="true"></i>{{ state.text }}</span>`,
};
