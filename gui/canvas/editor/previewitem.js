// Which item the values beside the fields are of, and a way to the others.
import { preview, turn } from "./previews.js";

export default {
  setup: () => ({ preview, turn }),
  computed: {
    words() {
      if (!preview.items || !Object.keys(preview.values).length) return "";
      return `Values for item ${preview.item + 1} of ${preview.items}${preview.source ? `, from ${preview.source}` : ""}`;
    },
  },
  template: `
    <div v-if="words" class="hvc-preview-of" role="group" aria-label="The item whose values are shown"><span>{{ words }}</span><button type="button" class="hv-ghost hv-square" aria-label="Values of the item before" :disabled="!preview.item" @click="turn(-1)">‹</button><button type="button" class="hv-ghost hv-square" aria-label="Values of the next item" :disabled="preview.item + 1 >= preview.items" @click="turn(1)">›</button></div>`,
};
