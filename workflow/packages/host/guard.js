// No TCP connection of a node before the engine has said that its address may be reached: all of Node.js's clients come by here.
'use strict';

const dns = require('node:dns');
const net = require('node:net');

function optionsOf(first, second) {
	if (typeof first === 'object' && first !== null) return { ...first };
	if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first };
	return { port: Number(first), host: typeof second === 'string' ? second : undefined };
}

function resolving(host, given, allowed) {
	return (_name, options, done) => {
		const found = net.isIP(host)
			? Promise.resolve([{ address: host, family: net.isIP(host) }])
			: dns.promises.lookup(host, { all: true, family: options.family || 0, hints: options.hints || 0 });
		found
			.then(async (addresses) => {
				for (const each of addresses) await allowed(host, each.address);
				if (options.all) done(null, addresses);
				else done(null, addresses[0].address, addresses[0].family);
			})
			.catch((error) => done(error));
	};
}

/** `allowed(host, address)` rejects for what may not be reached. */
exports.guard = (allowed) => {
	const connect = net.Socket.prototype.connect;
	net.Socket.prototype.connect = function guarded(...given) {
		const normalized = Array.isArray(given[0]);
		const options = normalized ? { ...given[0][0] } : optionsOf(given[0], given[1]);
		if (options.path) {
			throw Object.assign(new Error('Nodes of packages reach no unix sockets.'), { refused: true });
		}
		const host = String(options.host || 'localhost');
		options.lookup = resolving(host, options, allowed);
		options.host = 'guarded.invalid'; // a name, so that an address too comes by the look-up
		if (normalized) {
			given[0][0] = options;
			return connect.apply(this, given);
		}
		const listener = given.find((each) => typeof each === 'function');
		return listener ? connect.call(this, options, listener) : connect.call(this, options);
	};
};
