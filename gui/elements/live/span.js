// Which time a page shows: so long, up to now or up to an earlier moment. `value` is { span, to }; `to` null is now, which moves on.
import { clock } from "./format.js";
import { store } from "./store.js";

export const HOUR = 3600e3, DAY = 24 * HOUR, WEEK = 7 * DAY;

// From and to in milliseconds, of a value and the spans that it may have.
export function bounds(value, spans) {
  const to = value.to ?? store.now;
  return { from: to - spans[value.span][0], to };
}

export default {
  props: { value: { type: Object, required: true }, spans: { type: Object, required: true } },
  emits: ["change"],
  computed: {
    words() {
      const { from, to } = bounds(this.value, this.spans);
      return this.value.to === null ? "" : `${clock(from)} – ${clock(to)}`;
    },
  },
  methods: {
    choose(span) {
      this.$emit("change", { span, to: this.value.to });
    },
    // By a half, so that what stood at the edge is in sight.
    turn(by) {
      const to = (this.value.to ?? store.now) + by * (this.spans[this.value.span][0] / 2);
      this.$emit("change", { span: this.value.span, to: to >= store.now ? null : to });
    },
    now() {
      this.$emit("change", { span: this.value.span, to: null });
    },
  },
  template: `
    <div class="hv-span" role="group" aria-label="Time shown">
      <span v-if="words" class="hv-small hv-muted hv-num">{{ words }}</span>
      <div class="hv-filters"><button v-for="([, label], key) in spans" :key="key" type="button" :aria-pressed="value.span === key" @click="choose(key)">{{ label }}</button></div>
      <div class="hv-filters"><button type="button" @click="turn(-1)">Earlier</button><button type="button" :disabled="value.to === null" @click="turn(1)">Later</button><button type="button" :aria-pressed="value.to === null" @click="now">Now</button></div>
    </div>`,
};
