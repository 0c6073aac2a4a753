// Ways to a value within parameters, as fields name them, and which fields matter for what is set.
export const get = (object, path) => path.split(".").reduce((found, name) => found?.[name], object);

// A value of undefined takes the last part of the way out.
export function put(object, path, value) {
  const [name, ...rest] = path.split(".");
  const made = { ...object, [name]: rest.length ? put(object?.[name] ?? {}, rest.join("."), value) : value };
  if (made[name] === undefined) delete made[name];
  return made;
}

// With what is empty without it.
export function without(object, path) {
  const [name, ...rest] = path.split(".");
  const inner = rest.length && object?.[name] ? without(object[name], rest.join(".")) : {};
  return put(object, name, Object.keys(inner).length ? inner : undefined);
}

export const kindOf = (field) => field.kind ?? "text";
export const inVersion = (fields, version) => fields.filter((field) => version >= (field.since ?? 1) && version < (field.before ?? Infinity));

// `root`: the node's own fields and parameters, which names that begin with / mean. What an expression decides is known only when it runs.
export function matters(field, fields, value, root) {
  return Object.entries(field.when ?? {}).every(([name, values]) => {
    const [around, plain, of] = name.startsWith("/") ? [root.fields, name.slice(1), root.value] : [fields, name, value];
    const others = around.filter((each) => each.name === plain);
    const counts = others.find((each) => matters(each, around, of, root));
    if (others.length && !counts) return false;
    const found = String(get(of, plain) ?? counts?.default ?? "");
    return values.includes(found) || found.startsWith("=");
  });
}

// What a field begins with that somebody adds: of a switch the side that is not the usual one.
export function first(field) {
  const kind = kindOf(field);
  if (kind === "group") return { ...field.starts };
  if (kind === "rows") return [{ ...field.starts }];
  if (kind === "switch") return !field.default;
  if (["several", "words"].includes(kind)) return [];
  return field.default ?? (kind === "number" ? 0 : kind === "select" ? field.options[0] : "");
}
