// Bundles what the canvas takes from Vue Flow into built/, with the licences of all that is in it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const made = await build({
  entryPoints: ["flow.js"],
  outfile: "built/index.js",
  bundle: true,
  minify: true,
  format: "esm",
  external: ["vue"],
  legalComments: "none",
  metafile: true,
});

const inside = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const about = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
// Vue Flow's own files hold what they depend on, so that it does not show among the inputs.
const packages = new Set(Object.keys(made.metafile.inputs).map((path) => inside.exec(path)?.[1]).filter(Boolean));
for (const name of packages) for (const inner of Object.keys(about(name).dependencies ?? {})) if (existsSync(`node_modules/${inner}`)) packages.add(inner);
const licences = [...packages].sort().map((name) => {
  const file = `node_modules/${name}/LICENSE`;
  const text = existsSync(file) ? readFileSync(file, "utf8").trim() : about(name).license;
  return `${name} ${about(name).version}\n\n${text}\n`;
});
mkdirSync("built", { recursive: true });
writeFileSync("built/LICENSES.txt", licences.join(`\n${"-".repeat(72)}\n\n`));
