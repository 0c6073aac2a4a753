// How a node runs, and what is noted about it.
import Line from "./line.js";
import { edit, editable } from "./state.js";

const ERRORS = { stopWorkflow: "Stop the workflow", continueRegularOutput: "Continue", continueErrorOutput: "Continue by an error output" };

export default {
  components: { Line },
  props: { node: Object },
  setup: () => ({ ERRORS }),
  computed: {
    editable: () => editable.value,
  },
  methods: {
    set(fields) {
      edit({ kind: "change", name: this.node.name, fields });
    },
  },
  template: `
    <div class="hvc-form">
      <label class="hvc-field"><span>On error</span><select class="hv-input" :value="node.onError ?? 'stopWorkflow'" :disabled="!editable" @change="set({ onError: $event.target.value === 'stopWorkflow' ? null : $event.target.value })"><option v-for="(words, value) in ERRORS" :key="value" :value="value">{{ words }}</option></select></label>
      <label v-for="[name, words] in [['disabled', 'Disabled'], ['executeOnce', 'Run once, for the first item'], ['alwaysOutputData', 'Always give an item'], ['retryOnFail', 'Try again when it fails']]" :key="name" class="hvc-check"><input type="checkbox" :checked="node[name]" :disabled="!editable" @change="set({ [name]: $event.target.checked || null })"><span>{{ words }}</span></label>
      <div v-if="node.retryOnFail" class="hvc-two">
        <label class="hvc-field"><span>Tries</span><input class="hv-input" type="number" min="2" max="5" :value="node.maxTries ?? 3" :disabled="!editable" @change="set({ maxTries: Number($event.target.value) })"></label>
        <label class="hvc-field"><span>Wait between (ms)</span><input class="hv-input" type="number" min="0" max="5000" :value="node.waitBetweenTries ?? 1000" :disabled="!editable" @change="set({ waitBetweenTries: Number($event.target.value) })"></label>
      </div>
      <label class="hvc-field"><span>Notes</span><Line area class="hv-input" rows="3" :value="node.notes" :disabled="!editable" @change="set({ notes: $event || null })"/></label>
      <p class="hv-small hv-muted">{{ node.type }}, version {{ node.typeVersion ?? 1 }}</p>
    </div>`,
};
