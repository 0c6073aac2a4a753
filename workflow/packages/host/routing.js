// Declarative nodes: the request that a description makes of the parameters (`routing`), and the items that it makes of the answer.
'use strict';

const { httpRequest } = require('./requests');
const { resolve } = require('./expressions');
const { extracted, read, shown } = require('./parameters');

/** Every `routing` that applies, in the order of the description: `{routing, value}`. */
function* applying(properties, values, all, version) {
	for (const property of properties || []) {
		const value = extracted(values[property.name], property);
		if (value === undefined || !shown(property, values, all, version)) continue;
		if (property.routing) yield { routing: property.routing, value };
		if (property.type === 'options' || property.type === 'multiOptions') {
			for (const option of property.options || []) {
				if (option.routing && [].concat(value).includes(option.value)) yield { routing: option.routing, value: option.value };
			}
		} else if (property.type === 'collection') {
			for (const each of [].concat(value)) {
				const given = (property.options || []).filter((option) => each && option.name in each);
				yield* applying(given, each, all, version);
			}
		} else if (property.type === 'fixedCollection') {
			for (const group of property.options || []) {
				for (const each of [].concat(value?.[group.name] ?? [])) yield* applying(group.values, each, all, version);
			}
		}
	}
}

function put(target, path, value, dotted) {
	const keys = dotted === false ? [path] : String(path).split('.');
	const last = keys.pop();
	let place = target;
	for (const key of keys) place = place[key] ??= {};
	place[last] = value;
}

function merged(options, given) {
	const { headers, qs, body, ...rest } = given;
	Object.assign(options, rest);
	for (const [name, part] of Object.entries({ headers, qs, body })) {
		if (part !== undefined) options[name] = part && typeof part === 'object' && !Array.isArray(part) ? { ...options[name], ...part } : part;
	}
}

function gathered(description, values, scope, version) {
	const options = { headers: {}, qs: {}, body: {} };
	const found = { options, before: [], after: [], most: undefined };
	merged(options, resolve(description.requestDefaults || {}, scope));
	for (const { routing, value } of applying(description.properties, values, values, version)) {
		const inner = { ...scope, $value: value };
		if (routing.operations?.pagination || routing.send?.paginate) throw new Error('Hive does not page through answers for declarative nodes of packages');
		if (routing.request) merged(options, resolve(routing.request, inner));
		if (routing.send?.property) {
			const { send } = routing;
			const sent = send.value === undefined ? value : resolve(send.value, inner);
			put(send.type === 'query' ? options.qs : options.body, resolve(send.property, inner), sent, send.propertyInDotNotation);
		}
		found.before.push(...(routing.send?.preSend || []));
		found.after.push(...(routing.output?.postReceive || []).map((action) => ({ action, scope: inner })));
		if (routing.output?.maxResults !== undefined) found.most = resolve(routing.output.maxResults, inner);
	}
	return found;
}

function one(action, items, scope, response) {
	const inner = { ...scope, $response: response, $responseItem: undefined };
	const each = (item) => resolve(action.properties, { ...inner, $responseItem: item.json });
	const kinds = {
		rootProperty: () => items.flatMap((item) => [].concat(read(item.json, resolve(action.properties.property, inner)) ?? []).map((json) => ({ json }))),
		filter: () => items.filter((item) => each(item).pass),
		limit: () => items.slice(0, Number(resolve(action.properties.maxResults, inner))),
		set: () => [{ json: resolve(action.properties.value, inner) }],
		setKeyValue: () => items.map((item) => ({ json: each(item) })),
		sort: () => {
			const key = resolve(action.properties.key, inner);
			const of = (item) => (typeof item.json[key] === 'string' ? item.json[key].toLowerCase() : item.json[key]);
			return [...items].sort((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
		},
	};
	if (!kinds[action.type]) throw new Error(`Hive does not know the step '${action.type}' of a declarative node`);
	return kinds[action.type]();
}

async function received(own, found, response) {
	const { body } = response;
	let items = (Array.isArray(body) ? body : [body]).map((json) => ({ json: json && typeof json === 'object' ? json : { data: json } }));
	for (const { action, scope } of found.after) {
		if (typeof action === 'function') items = await action.call(own, items, response);
		else if (action.type === 'binaryData') {
			items = [{ json: {}, binary: { [action.properties.destinationProperty]: await own.helpers.prepareBinaryData(Buffer.from(body)) } }];
		} else if (![false, 'false'].includes(resolve(action.enabled ?? true, scope))) items = one(action, items, scope, response);
	}
	return found.most ? items.slice(0, Number(found.most)) : items;
}

function credentialOf(description, values, call) {
	const asked = (description.credentials || []).filter((each) => shown(each, values, values, call.node.typeVersion));
	const found = asked.find((each) => call.credentials[each.name]);
	const missing = asked.find((each) => each.required);
	if (!found && missing) throw new Error(`Node does not have any credentials set for "${missing.name}"`);
	return found?.name;
}

async function ofItem(description, own, parameters, call, item) {
	const values = Object.fromEntries(Object.keys(parameters.of(item)).map((name) => [name, own.getNodeParameter(name, item, null)]));
	const name = credentialOf(description, values, call);
	const scope = { $parameter: values, $version: call.node.typeVersion, $credentials: name ? await own.getCredentials(name) : {} };
	const found = gathered(description, values, scope, call.node.typeVersion);
	const single = { ...own, getNodeParameter: (path, fallback, options) => own.getNodeParameter(path, item, fallback, options), getInputData: () => call.inputs[0][item] };
	let options = { ...found.options, returnFullResponse: true };
	for (const before of found.before) options = await before.call(single, options);
	const response = name ? await own.helpers.httpRequestWithAuthentication(name, options) : await httpRequest(options);
	return (await received(single, found, response)).map((each) => ({ pairedItem: { item }, ...each }));
}

exports.runRouting = async (description, own, parameters, call) => {
	const made = [];
	for (let item = 0; item < call.inputs[0].length; item += 1) {
		try {
			made.push(...(await ofItem(description, own, parameters, call, item)));
		} catch (error) {
			if (!call.continues || error.refused) throw Object.assign(error, { itemIndex: item });
			made.push({ json: { error: error.message }, pairedItem: { item } });
		}
	}
	return [made];
};
