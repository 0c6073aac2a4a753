// When a Schedule Trigger starts its workflow: rows of an interval, what it counts, and the time of the day, as n8n has them.
import Field from "./field.js";

const EVERY = { seconds: "Seconds", minutes: "Minutes", hours: "Hours", days: "Days", weeks: "Weeks", months: "Months", cronExpression: "As a cron expression says" };
const USUAL = { seconds: 30, minutes: 5, hours: 1, days: 1, weeks: 1, months: 1 };
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const number = (name, label, usual) => ({ name, field: { label, kind: "number", default: usual } });
// What else a row of this kind asks.
function asked(every) {
  if (every === "cronExpression") return [{ name: "expression", field: { label: "Cron expression", kind: "text", default: "0 9 * * 1-5" } }];
  const found = [number(`${every}Interval`, `Every so many ${every}`, USUAL[every])];
  if (every === "months") found.push(number("triggerAtDayOfMonth", "On the day", 1));
  if (["days", "weeks", "months"].includes(every)) found.push(number("triggerAtHour", "At the hour (0–23)", 0));
  if (["hours", "days", "weeks", "months"].includes(every)) found.push(number("triggerAtMinute", "At the minute", 0));
  return found;
}

export default {
  components: { Field },
  inheritAttrs: false,
  props: { value: Array, disabled: Boolean },
  emits: ["change"],
  setup: () => ({ EVERY, DAYS, asked }),
  computed: {
    // Without one it is every day at midnight.
    rows() {
      return this.value?.length ? this.value : [{}];
    },
  },
  methods: {
    every: (row) => row.field ?? "days",
    put(rows) {
      this.$emit("change", rows);
    },
    set(place, change) {
      this.put(this.rows.map((row, index) => (index === place ? { ...row, ...change } : row)));
    },
    turn(place, field) {
      this.put(this.rows.map((row, index) => (index === place ? { field } : row)));
    },
    pick(place, row, day, on) {
      const days = new Set(row.triggerAtDay ?? [0]);
      on ? days.add(day) : days.delete(day);
      this.set(place, { triggerAtDay: [...days].sort((a, b) => a - b) });
    },
    more() {
      this.put([...this.rows, { field: "days" }]);
    },
    fewer(place) {
      this.put(this.rows.filter((_, index) => index !== place));
    },
  },
  template: `
    <fieldset class="hvc-conditions"><legend>It starts</legend>
      <div v-for="(row, place) in rows" :key="place" class="hvc-condition" role="group" :aria-label="'Time ' + (place + 1)">
        <div class="hvc-operator"><select class="hv-input" aria-label="By" :value="every(row)" :disabled="disabled" @change="turn(place, $event.target.value)"><option v-if="!EVERY[every(row)]" :value="every(row)">{{ every(row) }}</option><option v-for="(words, name) in EVERY" :key="name" :value="name">{{ words }}</option></select><button v-if="!disabled && rows.length > 1" type="button" class="hv-ghost hv-square" :aria-label="'Remove time ' + (place + 1)" @click="fewer(place)">×</button></div>
        <Field v-for="{ name, field } in EVERY[every(row)] ? asked(every(row)) : []" :key="every(row) + name" :field="field" :value="row[name]" :disabled="disabled" @change="set(place, { [name]: $event })"/>
        <div v-if="every(row) === 'weeks'" class="hvc-days" role="group" aria-label="On"><label v-for="(name, day) in DAYS" :key="day" class="hvc-check"><input type="checkbox" :checked="(row.triggerAtDay ?? [0]).includes(day)" :disabled="disabled" @change="pick(place, row, day, $event.target.checked)"><span>{{ name }}</span></label></div>
      </div>
      <button v-if="!disabled" type="button" class="hv-quiet" @click="more">Add a time</button>
      <p class="hv-small hv-muted">In the workflow’s time zone, while the workflow is active. <em>Execute workflow</em> tries it now.</p>
    </fieldset>`,
};
