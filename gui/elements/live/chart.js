// One line over time, drawn as one path. A gap is where nothing was measured: a missing value is never drawn as zero.
import { clock } from "./format.js";

const W = 320, H = 72;

export default {
  props: { title: String, unit: String, points: Array, from: Number, to: Number, most: Number },
  data: () => ({ W, H, at: null }),
  computed: {
    known() {
      return this.points.filter(([, value]) => value !== null && value !== undefined);
    },
    top() {
      return this.most ?? (Math.max(1, ...this.known.map(([, value]) => value)) * 1.1);
    },
    path() {
      let before = null;
      const gap = (this.to - this.from) / 12;
      return this.known.map(([time, value]) => {
        const jump = before === null || time - before > gap;
        before = time;
        return `${jump ? "M" : "L"}${this.x(time).toFixed(1)} ${this.y(value).toFixed(1)}`;
      }).join("");
    },
    last() {
      return this.known.at(-1)?.[1] ?? null;
    },
    shown() {
      return this.at ? this.at[1] : this.last;
    },
    words() {
      return this.last === null ? `${this.title}: not measured` : `${this.title}: ${this.text(this.last)}, at most ${this.text(Math.max(...this.known.map(([, value]) => value)))}`;
    },
    when() {
      return this.at ? clock(this.at[0]) : "";
    },
  },
  methods: {
    x(time) {
      return ((time - this.from) / Math.max(1, this.to - this.from)) * W;
    },
    y(value) {
      return H - 3 - (Math.min(value, this.top) / this.top) * (H - 8);
    },
    text(value) {
      return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${this.unit}`.trim();
    },
    look(event) {
      const box = event.currentTarget.getBoundingClientRect();
      const time = this.from + ((event.clientX - box.left) / box.width) * (this.to - this.from);
      this.at = this.known.reduce((best, point) => (!best || Math.abs(point[0] - time) < Math.abs(best[0] - time) ? point : best), null);
    },
  },
  template: `
    <figure class="hv-chart hv-card">
      <figcaption><span>{{ title }}</span><span class="hv-muted hv-small">{{ when }}</span><b class="hv-num">{{ shown === null ? "–" : text(shown) }}</b></figcaption>
      <svg v-if="known.length" :viewBox="'0 0 ' + W + ' ' + H" preserveAspectRatio="none" role="img" :aria-label="words" @mousemove="look" @mouseleave="at = null">
        <path class="hv-chart-base" :d="'M0 ' + (H - 3) + 'H' + W"/><path class="hv-chart-line" :d="path"/><path v-if="at" class="hv-chart-at" :d="'M' + x(at[0]) + ' 0V' + H"/>
      </svg>
      <p v-else class="hv-muted hv-small">Not measured in this time.</p>
    </figure>`,
};
