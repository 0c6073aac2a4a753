// What the editor's page is made of.
export * from "./state.js";
export { previewed } from "./previews.js";
export { default as Bar } from "./bar.js";
export { default as Canvas } from "./canvas.js";
export { default as Dialogs } from "./dialogs.js";
export { default as Credential } from "./credential.js";
export { default as Palette } from "./palette.js";
export { default as Panel } from "./panel.js";
export { default as Lists } from "./lists.js";
