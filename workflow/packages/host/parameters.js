// A node's parameters with the defaults of its description, and which of its properties are shown for them.
'use strict';

const read = (value, path) => path.split('.').reduce((found, key) => (found == null ? undefined : found[key]), value);

function meets(value, wanted) {
	if (!wanted || typeof wanted !== 'object' || !wanted._cnd) return value === wanted;
	const [[name, operand]] = Object.entries(wanted._cnd);
	const tests = {
		eq: () => value === operand,
		not: () => value !== operand,
		gt: () => value > operand,
		gte: () => value >= operand,
		lt: () => value < operand,
		lte: () => value <= operand,
		between: () => value >= operand.from && value <= operand.to,
		includes: () => String(value).includes(operand),
		startsWith: () => String(value).startsWith(operand),
		endsWith: () => String(value).endsWith(operand),
		regex: () => new RegExp(operand).test(String(value)),
		exists: () => value !== undefined && value !== null && value !== '',
	};
	return tests[name] ? tests[name]() : false;
}

function holds(name, wanted, here, all, version) {
	const value = name === '@version' ? version : name.startsWith('/') ? read(all, name.slice(1)) : read(here, name);
	const plain = value && value.__rl ? value.value : value;
	const values = Array.isArray(plain) ? plain : [plain];
	return values.some((each) => wanted.some((other) => meets(each, other)));
}

function shown(property, here, all, version) {
	const { show = {}, hide = {} } = property.displayOptions || {};
	return (
		Object.entries(show).every(([name, wanted]) => holds(name, wanted, here, all, version)) &&
		!Object.entries(hide).some(([name, wanted]) => holds(name, wanted, here, all, version))
	);
}

const copy = (value) => (value === undefined ? undefined : structuredClone(value));

/** Of a collection that takes several the default is what each of them begins with, and there is none yet. */
function unset(property) {
	return property.type === 'collection' && property.typeOptions?.multipleValues ? [] : copy(property.default);
}

/** Values with defaults; a property may depend on others that stand after it, so it is done until nothing is added. */
function filled(properties, given, version, all) {
	const values = { ...given };
	for (let added = true; added; ) {
		added = false;
		for (const property of properties) {
			if (property.name in values || !shown(property, values, all || values, version)) continue;
			values[property.name] = unset(property);
			added = true;
		}
	}
	for (const property of properties) {
		if (property.type === 'fixedCollection' && shown(property, values, all || values, version)) {
			values[property.name] = ofGroups(property, values[property.name], version, all || values);
		}
	}
	return values;
}

function ofGroups(property, value, version, all) {
	if (!value || typeof value !== 'object') return value;
	const groups = new Map((property.options || []).map((each) => [each.name, each]));
	const inner = (group, each) => filled(group.values || [], each, version, all);
	return Object.fromEntries(
		Object.entries(value).map(([name, given]) => {
			const group = groups.get(name);
			if (!group || !given || typeof given !== 'object') return [name, given];
			return [name, Array.isArray(given) ? given.map((each) => inner(group, each)) : inner(group, given)];
		}),
	);
}

function extracted(value, property) {
	if (!value || !value.__rl) return value;
	const mode = (property?.modes || []).find((each) => each.name === value.mode);
	const regex = mode?.extractValue?.regex;
	if (!regex) return value.value;
	const found = new RegExp(regex instanceof RegExp ? regex.source : regex).exec(String(value.value));
	if (!found) throw new Error(`The value of ${property.name} is not valid: ${mode.displayName || mode.name} is expected`);
	return found[1] ?? found[0];
}

module.exports = { copy, extracted, filled, read, shown };
