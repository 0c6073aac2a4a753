// Numbers, ages and names as a person reads them.
export const STATUS = {
  pending: "Pending",
  queued: "Queued",
  assigned: "Starting",
  running: "Running",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};
export const AGENT_STATE = { online: "Online", degraded: "Degraded", draining: "Draining", offline: "Offline", silent: "Silent" };
export const PRIORITY = { 1: "High", 2: "High −", 3: "Medium", 4: "Low +", 5: "Low" };

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(Math.floor(seconds % 60)).padStart(2, "0")}s`;
  const hours = Math.floor(minutes / 60);
  return `${hours}h ${String(minutes % 60).padStart(2, "0")}m`;
}

// Since when, in one unit: a column of these is compared, not calculated with.
export function age(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 5) return "now";
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}

export function ago(ms) {
  const since = age(ms);
  return since === "now" ? "just now" : `${since} ago`;
}

export function count(number) {
  if (number === null || number === undefined) return "–";
  if (number < 10000) return number.toLocaleString("en");
  if (number < 1e6) return `${(number / 1e3).toFixed(number < 1e5 ? 1 : 0)} k`;
  return `${(number / 1e6).toFixed(1)} M`;
}

export function size(bytes) {
  if (!bytes) return "–";
  return bytes < 2 ** 30 ? `${Math.max(1, Math.round(bytes / 2 ** 20))} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

export function rate(number) {
  if (number === null || number === undefined) return null;
  return `${number < 100 ? number.toFixed(1) : Math.round(number)} tok/s`;
}

export function clock(ms) {
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

// How long a task has been at work, or was; null while it only waits.
export function worked(task, now) {
  if (task.ended_ms) return task.started_ms ? task.ended_ms - task.started_ms : null;
  return task.started_ms ? now - task.started_ms : null;
}
