// Runs one node of an installed package at a time, for an engine of Hive: JSON lines in, JSON lines out.
// In:  {"call": …}, then {"allowed": id, "error": text or null} for each address that it asked about; {"quiet": true} before another call.
// Out: {"ask": id, "host", "address"}, then {"outputs": …} or {"error": …}; {"quiet": …}. Before each line a mark stands that is this process's
// own: what nodes and their children print past what they are given is none of them.
'use strict';

const readline = require('node:readline');
const { guard } = require('./guard');
const { loadNode } = require('./packages');
const { execute } = require('./execute');

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr); // what a node prints is no answer
const mark = process.argv[3];
const say = (message) => write(mark + JSON.stringify(message) + '\n');

/** How many there are of each kind of thing that goes on: timers, sockets, children. */
function goingOn() {
	const found = {};
	for (const kind of process.getActiveResourcesInfo()) found[kind] = (found[kind] || 0) + 1;
	return found;
}
let atFirst = {};
const isQuiet = () => Object.entries(goingOn()).every(([kind, count]) => count <= (atFirst[kind] || 0));

const asked = new Map();
let number = 0;
guard(
	(host, address) =>
		new Promise((resolve, reject) => {
			number += 1;
			asked.set(number, { resolve, reject });
			say({ ask: number, host, address });
		}),
);

async function answer(call) {
	try {
		const found = loadNode(process.argv[2], call.node.type, call.node.typeVersion);
		say({ outputs: await execute(found, call), staticData: call.staticData });
	} catch (error) {
		say({ error: told(error) });
	}
}

function told(error) {
	const context = (error && error.context) || {};
	const item = context.itemIndex ?? error?.itemIndex;
	return {
		message: String((error && error.message) || error || 'The node threw nothing'),
		description: error?.description ? String(error.description) : null,
		name: String(error?.constructor?.name || error?.name || 'Error'),
		status: error?.httpCode ? String(error.httpCode) : null,
		refused: error?.refused === true || error?.cause?.refused === true,
		item: Number.isInteger(item) ? item : null,
	};
}

readline.createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', (line) => {
	const message = JSON.parse(line);
	if (message.call) return void answer(message.call);
	if (message.quiet) return say({ quiet: isQuiet() });
	const { resolve, reject } = asked.get(message.allowed);
	asked.delete(message.allowed);
	if (message.error === null) return resolve();
	reject(Object.assign(new Error(message.error), { refused: true, code: 'EACCES' }));
}).on('close', () => process.exit(0));
atFirst = goingOn();
say({ ready: process.version });
