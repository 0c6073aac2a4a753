// The `={{ … }}` that a package's own descriptions hold (how it signs in, what it sends). Those of workflows were evaluated by the engine.
'use strict';

function evaluated(source, scope) {
	return new Function(...Object.keys(scope), `return (${source});`)(...Object.values(scope));
}

/** A tree with its expressions evaluated. */
function resolve(value, scope) {
	if (Array.isArray(value)) return value.map((each) => resolve(each, scope));
	if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
		return Object.fromEntries(Object.entries(value).map(([name, each]) => [resolve(name, scope), resolve(each, scope)]));
	}
	if (typeof value !== 'string' || !value.startsWith('=')) return value;
	const text = value.slice(1);
	const whole = /^\s*\{\{((?:(?!\}\}).)*)\}\}\s*$/s.exec(text);
	if (whole) return evaluated(whole[1], scope);
	return text.replace(/\{\{((?:(?!\}\}).)*)\}\}/gs, (_, source) => String(evaluated(source, scope) ?? ''));
}

module.exports = { resolve };
