// Finds the nodes and credentials that packages declare in the `n8n` part of their package.json.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

function made(file) {
	const exported = require(file);
	const name = path.basename(file).split('.')[0];
	const Class = exported[name] || Object.values(exported).find((each) => typeof each === 'function');
	if (!Class) throw new Error(`${path.basename(file)} exports no class`);
	return new Class();
}

function declared(folder, name) {
	const root = path.join(folder, 'node_modules', name);
	const { n8n = {}, version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
	const files = (given) => (given || []).map((each) => path.join(root, each));
	return { version, nodes: files(n8n.nodes), credentials: files(n8n.credentials) };
}

const packageOf = (type) => type.slice(0, type.lastIndexOf('.'));

const indexes = new Map();
function index(folder) {
	if (!indexes.has(folder)) {
		indexes.set(folder, JSON.parse(fs.readFileSync(path.join(folder, 'installed.json'), 'utf8')).packages);
	}
	return indexes.get(folder);
}

function versionOf(node, version) {
	if (!node.nodeVersions) return node;
	const known = Object.keys(node.nodeVersions).map(Number).sort((a, b) => a - b);
	const nearest = known.filter((each) => each <= version).pop() ?? known[0];
	return node.nodeVersions[nearest];
}

/** `{node, credentialType}`: the node in its version, and how a type of credential is found by its name. */
exports.loadNode = (folder, type, version) => {
	const packages = index(folder);
	const home = packages.find((each) => each.name === packageOf(type));
	const entry = home && home.nodes.find((each) => each.type === type);
	if (!entry) throw new Error(`No installed package has a node of type ${type}`);
	const node = versionOf(made(path.join(folder, 'node_modules', home.name, entry.file)), version);
	const credentialType = (name) => {
		for (const each of [home, ...packages]) {
			const found = each.credentials.find((credential) => credential.name === name);
			if (found) return made(path.join(folder, 'node_modules', each.name, found.file));
		}
		return null;
	};
	return { node, credentialType };
};

function kind(node) {
	if (node.supplyData) return 'an AI sub-node';
	if (node.trigger || node.poll || (node.webhook && !node.execute)) return 'a trigger';
	if (node.execute || node.description.requestDefaults || routed(node.description.properties)) return null;
	return 'of a kind that has nothing to run';
}

const routed = (properties) =>
	(properties || []).some((each) => each.routing || (each.options || []).some((option) => option.routing));

const isMain = (each) => (typeof each === 'string' ? each : each && each.type) === 'main';

function aboutNode(name, file, root) {
	const first = made(file);
	const versions = first.nodeVersions ? Object.values(first.nodeVersions) : [first];
	return versions.map((node) => {
		const { description } = node;
		const given = [].concat(description.version ?? 1).map(Number);
		return {
			type: `${name}.${description.name}`,
			title: description.displayName,
			file: path.relative(root, file),
			versions: given,
			outputs: Array.isArray(description.outputs) ? description.outputs.filter(isMain).length : null,
			inputs: Array.isArray(description.inputs) ? description.inputs.filter(isMain).length : 1,
			credentials: (description.credentials || []).map((each) => each.name),
			unfit: Array.isArray(description.outputs) ? kind(node) : 'of outputs that its parameters make',
		};
	});
}

function aboutCredential(file, root) {
	const type = made(file);
	const required = (type.properties || []).filter(
		(each) => each.required && !each.displayOptions && (each.default === '' || each.default === undefined),
	);
	return { name: type.name, file: path.relative(root, file), required: required.map((each) => each.name) };
}

/** What a package has; a file that cannot be loaded is named with its reason, and left out. */
exports.describe = (folder, name) => {
	const found = declared(folder, name);
	const root = path.join(folder, 'node_modules', name);
	const problems = [];
	const each = (files, about) =>
		files.flatMap((file) => {
			try {
				return about(file);
			} catch (error) {
				problems.push(`${path.relative(root, file)}: ${String(error.message).split('\n')[0]}`);
				return [];
			}
		});
	const nodes = each(found.nodes, (file) => aboutNode(name, file, root));
	const credentials = each(found.credentials, (file) => aboutCredential(file, root));
	return { name, version: found.version, nodes, credentials, problems };
};
