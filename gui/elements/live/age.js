// How old what is shown is, once that matters, and why it is not renewed.
import { ago } from "./format.js";
import { store } from "./store.js";

export default {
  props: { at: Number, failure: Object, what: String }, // `what`: a part of the page, which is silent as long as nothing failed
  computed: {
    refused() {
      return !this.at && this.failure?.code === "permission_denied";
    },
    words() {
      if (this.refused) return "Your role does not see this.";
      return this.at ? `${this.what ?? "What you see"} is from ${ago(store.now - this.at)}.` : "Nothing is known yet.";
    },
    old() {
      return this.failure || (!this.what && this.at && store.now - this.at > 20000);
    },
  },
  template: `<p v-if="old" class="hv-away" role="alert"><b>{{ words }}</b> <span v-if="failure">{{ failure.message }} <code class="hv-code">{{ failure.code }}</code></span></p>`,
};
