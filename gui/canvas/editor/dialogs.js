// Somebody else saved meanwhile: what they changed, what was changed here, and three ways on.
import { send, state } from "./state.js";

export default {
  setup: () => ({ state }),
  computed: {
    conflict: () => state.conflict,
  },
  mounted() {
    this.$refs.dialog.showModal();
  },
  methods: {
    settle(way) {
      state.conflict = null;
      send("settle", way);
    },
    told: (change) => `${change.kind} ${change.what} ${change.name}${change.fields.length ? ": " + change.fields.join(", ") : ""}`,
  },
  template: `
    <dialog ref="dialog" class="hvc-dialog" aria-labelledby="conflict-title" @cancel.prevent="settle('')">
      <h2 id="conflict-title">{{ conflict.by }} saved version {{ conflict.version }} meanwhile</h2>
      <p>Your changes are still here, and nothing of theirs is lost: choose how both go together.</p>
      <div class="hvc-sides">
        <section><h3>They changed</h3><p v-for="(change, place) in conflict.theirs" :key="place" :data-kind="change.kind">{{ told(change) }}</p><p v-if="!conflict.theirs.length" class="hv-muted">nothing</p></section>
        <section><h3>You changed</h3><p v-for="(change, place) in conflict.mine" :key="place" :data-kind="change.kind">{{ told(change) }}</p><p v-if="!conflict.mine.length" class="hv-muted">nothing</p></section>
      </div>
      <p v-if="conflict.clashes.length" class="hvc-warn">Both changed {{ conflict.clashes.join("; ") }}. Merging keeps yours there.</p>
      <div class="hvc-dialog-bar">
        <button type="button" class="hv-primary" @click="settle('merge')">Merge both</button>
        <button type="button" class="hv-quiet" @click="settle('theirs')">Take theirs</button>
        <button type="button" class="hv-quiet" @click="settle('mine')">Keep mine</button>
        <span class="hv-space"></span>
        <button type="button" class="hv-ghost" @click="settle('')">Not now</button>
      </div>
      <p class="hv-small hv-muted">Whichever you take is not saved before you save it, and undo brings your draft back.</p>
    </dialog>`,
};
