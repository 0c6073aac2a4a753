// What a node is given (its `this`), and what comes of running it.
'use strict';

const { dataOf, signing } = require('./credentials');
const { extracted, filled, read } = require('./parameters');
const { httpRequest, request } = require('./requests');
const { runRouting } = require('./routing');

const quiet = { debug() {}, info() {}, warn() {}, error() {}, verbose() {} };

function byName(properties, name) {
	return properties.find((each) => each.name === name);
}

function parameter(call, description) {
	const made = new Map();
	const of = (item) => {
		const given = call.parameters[item] ?? call.parameters[0] ?? {};
		if (!made.has(item)) made.set(item, filled(description.properties || [], given, call.node.typeVersion));
		return made.get(item);
	};
	const get = (name, item = 0, fallback = undefined, options = undefined) => {
		const failed = call.failed[item]?.[name.split('.')[0]];
		if (failed) throw Object.assign(new Error(failed), { itemIndex: item });
		const value = read(of(item), name);
		if (value === undefined) {
			if (fallback !== undefined) return fallback;
			throw Object.assign(new Error(`Could not get parameter ${name}`), { itemIndex: item });
		}
		return options?.extractValue ? extracted(value, byName(description.properties || [], name)) : value;
	};
	return { get, of };
}

function json(value) {
	return (Array.isArray(value) ? value : [value]).map((each) => (each && each.json ? each : { json: each }));
}

function kindOf(mimeType) {
	const first = mimeType.split('/')[0];
	return ['image', 'video', 'audio', 'text'].includes(first) ? first : mimeType === 'application/json' ? 'json' : undefined;
}

async function bytesOf(content) {
	if (Buffer.isBuffer(content) || content instanceof Uint8Array || typeof content === 'string') return Buffer.from(content);
	const parts = [];
	for await (const part of content) parts.push(Buffer.from(part));
	return Buffer.concat(parts);
}

async function binary(content, fileName, mimeType) {
	const bytes = await bytesOf(content);
	const name = fileName ? String(fileName).split('/').pop() : undefined;
	const kind = mimeType || (name && TYPES[name.split('.').pop().toLowerCase()]) || 'application/octet-stream';
	const made = { data: bytes.toString('base64'), mimeType: kind, fileType: kindOf(kind), fileSize: `${bytes.length} B` };
	if (name) made.fileName = name;
	if (name?.includes('.')) made.fileExtension = name.split('.').pop();
	return made;
}

const TYPES = {
	csv: 'text/csv', gif: 'image/gif', html: 'text/html', jpeg: 'image/jpeg', jpg: 'image/jpeg', json: 'application/json',
	pdf: 'application/pdf', png: 'image/png', svg: 'image/svg+xml', txt: 'text/plain', xml: 'application/xml', zip: 'application/zip',
};

function binaries(call) {
	const found = (item, name) => {
		if (name && typeof name === 'object') return name;
		const data = call.inputs[0][item]?.binary?.[name];
		if (!data) throw Object.assign(new Error(`The item has no binary field '${name}'`), { itemIndex: item });
		return data;
	};
	return {
		assertBinaryData: found,
		getBinaryDataBuffer: async (item, name) => Buffer.from(found(item, name).data, 'base64'),
		getBinaryStream: async () => { throw new Error('Binary data of Hive are not kept as streams'); },
		prepareBinaryData: binary,
		setBinaryDataBuffer: async (data, content) => ({ ...data, data: Buffer.from(content).toString('base64') }),
		binaryToBuffer: bytesOf,
		binaryToString: async (content, encoding) => (await bytesOf(content)).toString(encoding || 'utf8'),
	};
}

/** `IExecuteFunctions`, as its declarations in `n8n-workflow` describe it; what is left out says so when it is called. */
function functions(found, call) {
	const { description } = found.node;
	const parameters = parameter(call, description);
	const credentials = async (name) => {
		const data = call.credentials[name];
		if (!data) throw new Error(call.missing[name] || `Node does not have any credentials set for "${name}"`);
		return dataOf(found.credentialType, name, data);
	};
	const signed = signing(found.credentialType, credentials);
	const context = {};
	const own = {
		continueOnFail: () => call.continues,
		evaluateExpression: () => { throw new Error('Hive evaluates expressions before a package\'s node runs, and none within it'); },
		getContext: () => context,
		getCredentials: credentials,
		getCredentialsProperties: (name) => found.credentialType(name)?.properties || [],
		getExecuteData: () => ({ data: { main: call.inputs }, node: call.node, source: null }),
		getExecutionCancelSignal: () => undefined,
		getExecutionId: () => call.executionId,
		getInputConnectionData: async () => { throw new Error('Hive attaches no AI nodes to nodes of packages'); },
		getInputData: (index = 0) => call.inputs[index] || [],
		getInstanceBaseUrl: () => call.baseUrl,
		getInstanceId: () => 'hive',
		getMode: () => call.mode,
		getNode: () => ({ ...call.node, parameters: call.parameters[0] || {} }),
		getNodeParameter: parameters.get,
		getTimezone: () => call.timeZone,
		getWorkflow: () => call.workflow,
		getWorkflowDataProxy: (item) => ({ $json: call.inputs[0][item]?.json, $input: { item: call.inputs[0][item] }, $itemIndex: item }),
		getWorkflowStaticData: () => call.staticData,
		isStreaming: () => false,
		onExecutionCancellation() {},
		addExecutionHints() {},
		sendMessageToUI() {},
		sendResponse() {},
		logger: quiet,
		nodeHelpers: {},
	};
	own.helpers = {
		...binaries(call),
		constructExecutionMetaData: (items, { itemData }) => items.map((each) => ({ ...each, pairedItem: itemData })),
		copyInputItems: (items, names) => items.map((each) => Object.fromEntries(names.map((name) => [name, each.json[name] ?? null]))),
		httpRequest,
		normalizeItems: json,
		request,
		returnJsonArray: json,
	};
	for (const [name, send] of Object.entries(signed)) {
		own.helpers[name] = function helper(...given) { return send(...given); }; // some are called with `this`
	}
	return { own, parameters };
}

/** Items of each output, in the form of Hive. A node's own `null` is an output without items. */
function outputsOf(value) {
	if (value === null || value === undefined) return [[]];
	if (!Array.isArray(value)) throw new Error('The node returned no lists of items');
	return value.map((items) => (items || []).map((each) => {
		if (!each || typeof each.json !== 'object') throw new Error('The node returned an item without `json`');
		const made = { json: each.json };
		if (each.binary && Object.keys(each.binary).length) made.binary = each.binary;
		if (each.pairedItem !== undefined) made.pairedItem = each.pairedItem;
		if (each.error) made.json = { ...each.json, error: each.json.error ?? String(each.error.message) };
		return made;
	}));
}

exports.execute = async (found, call) => {
	const { own, parameters } = functions(found, call);
	for (let item = 0; item < call.parameters.length; item += 1) parameters.of(item);
	if (found.node.execute) return outputsOf(await found.node.execute.call(own));
	return outputsOf(await runRouting(found.node.description, own, parameters, call));
};
