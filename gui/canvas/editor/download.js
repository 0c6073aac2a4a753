// A workflow as a file, as n8n downloads one.
export function download(name, document_) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(document_, null, 2)], { type: "application/json" }));
  link.download = `${name.replace(/[^\p{L}\p{N} ._-]+/gu, "_").trim() || "workflow"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
