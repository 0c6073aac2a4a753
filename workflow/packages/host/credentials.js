// What credentials of packages hold, and what they add to a request.
'use strict';

const { httpRequest, request, SIGNED } = require('./requests');
const { resolve } = require('./expressions');
const { copy } = require('./parameters');

/** A type and those that it extends, itself first. */
function family(credentialType, name) {
	const found = credentialType(name);
	if (!found) return [];
	return [found, ...(found.extends || []).flatMap((each) => family(credentialType, each))];
}

/** The data of a credential with the defaults of its type. */
function dataOf(credentialType, name, given) {
	const defaults = family(credentialType, name)
		.reverse()
		.flatMap((type) => (type.properties || []).map((each) => [each.name, copy(each.default)]));
	const scope = { ...Object.fromEntries(defaults), ...given };
	const own = Object.fromEntries(Object.entries(scope).filter(([key]) => !(key in given)));
	return { ...resolve(own, { $self: scope }), ...given };
}

function added(options, properties, scope) {
	const found = resolve(properties || {}, scope);
	const made = { ...options };
	if (found.headers) made.headers = { ...options.headers, ...found.headers };
	if (found.qs) made.qs = { ...options.qs, ...found.qs };
	if (found.body) made.body = { ...options.body, ...found.body };
	if (found.auth) made.auth = { username: found.auth.username, password: found.auth.password };
	if (found.skipSslCertificateValidation !== undefined) {
		made.skipSslCertificateValidation = [true, 'true'].includes(found.skipSslCertificateValidation);
	}
	return made;
}

async function authenticated(credentialType, name, data, options) {
	const types = family(credentialType, name);
	if (types.some((each) => each.name === 'oAuth1Api')) throw new Error(`Hive does not sign requests by OAuth 1, as ${name} would`);
	if (data.oauthTokenData?.access_token) return bearer(options, data.oauthTokenData.access_token);
	if (types.some((each) => each.name === 'oAuth2Api')) {
		throw new Error(`${name} is not connected: hive credential connect, or store a token as data.oauthTokenData.access_token`);
	}
	if (types.some((each) => each.preAuthentication)) throw new Error(`${name} fetches a token of its own first, which Hive does not do`);
	const how = types.find((each) => each.authenticate)?.authenticate;
	if (!how) return options;
	return typeof how === 'function' ? how(data, options) : added(options, how.properties, { $credentials: data });
}

const bearer = (options, token) => ({ ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });

/** What the credential added is marked: a redirect to another origin does not take it along. */
function marked(given, made) {
	const before = given.headers || {};
	const headers = Object.keys(made.headers || {}).filter((name) => made.headers[name] !== before[name]);
	return { ...made, [SIGNED]: { headers: headers.map((name) => name.toLowerCase()), body: made.body !== given.body } };
}

/** The helpers that sign what they send. `credentials(name)` gives the data. */
function signing(credentialType, credentials) {
	const by = (send) => async (name, options) => {
		const given = { ...options, headers: { ...options?.headers } };
		return send(marked(given, await authenticated(credentialType, name, await credentials(name), { ...given, headers: { ...given.headers } })));
	};
	const old = by(request);
	return {
		httpRequestWithAuthentication: by(httpRequest),
		requestWithAuthentication: old,
		requestOAuth1: old,
		requestOAuth2: async (name, options) => {
			const token = (await credentials(name)).oauthTokenData?.access_token;
			if (!token) return old(name, options); // says what is missing
			return request(bearer(typeof options === 'string' ? { url: options } : options, token));
		},
	};
}

module.exports = { dataOf, signing };
