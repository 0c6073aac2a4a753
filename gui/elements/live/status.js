// The state of a task: a word and a colour, never a colour alone.
import { STATUS } from "./format.js";

export default {
  props: { status: { type: String, required: true } },
  computed: {
    label() {
      return STATUS[this.status] ?? this.status;
    },
  },
  template: `<span :class="['hv-status', 'hv-status-' + status]"><i aria-hidden="true"></i>{{ label }}</span>`,
};
