// One set of icons, drawn on a 16 px grid with one stroke.
const PATHS = {
  alert: "M8 2 1.8 13h12.4L8 2Zm0 4.6v3.2m0 1.7v.1",
  bars: "M2.8 13.2h10.4M4.4 10.8V7.6M8 10.8V3.2M11.6 10.8V5.6",
  check: "m3.2 8.4 3.1 3.1 6.5-7",
  close: "m4 4 8 8m0-8-8 8",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7",
  find: "M7 11.6a4.6 4.6 0 1 0 0-9.2 4.6 4.6 0 0 0 0 9.2Zm3.4-1.2 3.2 3.2",
  flow: "M2.4 6h3.8v4H2.4zM9.8 2.4h3.8v4H9.8zM9.8 9.6h3.8v4H9.8zM6.2 8h1.8V4.4h1.8M8 8v3.6h1.8",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm0-6.6v3.4m0-5.7v.1",
  key: "M5.6 13.2a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm2.2-5.1 5.4-5.4m-2.2 2.2 1.8 1.8M9.4 6.5l1.4 1.4",
  model: "M8 1.9 13.4 5v6L8 14.1 2.6 11V5L8 1.9Zm0 6.1 5.4-3M8 8v6.1M8 8 2.6 5",
  moon: "M13 9.6A5.4 5.4 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6Z",
  out: "M6.5 2.8H3.2v10.4h3.3M7 8h6.2m-2.4-2.6L13.4 8l-2.6 2.6",
  people: "M6 7.6a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8ZM1.8 13.2a4.2 4.2 0 0 1 8.4 0M10.6 3.1a2.4 2.4 0 0 1 0 4.4M11.8 9.6a4.2 4.2 0 0 1 2.4 3.6",
  plug: "M6 2.5v3m4-3v3M4.2 5.5h7.6v2.3a3.8 3.8 0 0 1-7.6 0V5.5ZM8 11.6v2.4",
  plus: "M8 3.2v9.6M3.2 8h9.6",
  record: "M4 2.4h5.6L12.4 5v8.6H4zM6.2 7.4h4M6.2 10h4",
  retry: "M12.6 6.2A5 5 0 1 0 13 8.9M12.9 2.9v3.4H9.5",
  send: "M2.6 8 13.4 3.2 10 13.2 7.6 8.9 2.6 8Zm5 .9 5.8-5.7",
  server: "M2.8 3.2h10.4v4H2.8zM2.8 8.8h10.4v4H2.8zM5 5.2h.1M5 10.8h.1",
  sliders: "M2.8 4.8h5.4m3.6 0h1.4M2.8 11.2h1.4m3.6 0h5.4M10 6.6A1.8 1.8 0 1 0 10 3a1.8 1.8 0 0 0 0 3.6ZM6 13a1.8 1.8 0 1 0 0-3.6A1.8 1.8 0 0 0 6 13Z",
  stop: "M4.5 4.5h7v7h-7z",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.6v1.2m0 10.4v1.2M1.6 8h1.2m10.4 0h1.2M3.5 3.5l.8.8m7.4 7.4.8.8m0-9-.8.8m-7.4 7.4-.8.8",
  system: "M2.5 3.5h11v7.4h-11zM6 13.4h4",
  time: "M2.5 3.8h6M5.5 8h7M3.5 12.2h5",
  tasks: "M2.8 4.2h.1m2.6 0h7.7M2.8 8h.1m2.6 0h7.7M2.8 11.8h.1m2.6 0h7.7",
};

export default {
  props: { name: { type: String, required: true } },
  computed: {
    path() {
      return PATHS[this.name];
    },
  },
  template: `<svg class="hv-icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path :d="path"/></svg>`,
};
