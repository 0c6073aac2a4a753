// What every part of the page imports.
export * from "./store.js";
export * from "./format.js";
export { default as Icon } from "./icon.js";
export { default as Status } from "./status.js";
export { default as Answer } from "./answer.js";
export * from "./asking.js";
export * from "./finding.js";
export { default as Age } from "./age.js";
export { default as Jobs } from "./jobs.js";
export { default as TaskView } from "./task_view.js";
export { default as Chart } from "./chart.js";
export { default as Rules } from "./rules.js";
export { default as Targets } from "./targets.js";
export { default as Span, bounds, DAY, HOUR, WEEK } from "./span.js";
