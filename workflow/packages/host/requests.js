// HTTP requests of nodes, in the two forms in which nodes ask: `httpRequest` and the older `request`.
'use strict';

const http = require('node:http');
const https = require('node:https');
const zlib = require('node:zlib');

/** Of options: what of a request is a credential. */
const SIGNED = Symbol('signed');
const REDIRECTS = 21;
const MAX_BYTES = 32 * 1024 * 1024;

class StatusError extends Error {
	constructor(response, body) {
		super(`Request failed with status code ${response.statusCode}`);
		this.httpCode = String(response.statusCode);
		this.statusCode = this.status = response.statusCode;
		this.description = messageOf(body);
		this.error = body;
		this.response = { status: response.statusCode, statusCode: response.statusCode, headers: response.headers, data: body, body };
	}
}

function messageOf(body) {
	if (typeof body === 'string') return body.slice(0, 500) || undefined;
	const found = body && (body.message ?? body.error?.message ?? body.error ?? body.detail);
	return typeof found === 'string' ? found : undefined;
}

function pairs(value, name = '') {
	if (Array.isArray(value)) return value.flatMap((each) => pairs(each, `${name}[]`));
	if (value && typeof value === 'object') {
		return Object.entries(value).flatMap(([key, each]) => pairs(each, name ? `${name}[${key}]` : key));
	}
	return value === undefined || value === null ? [] : [[name, String(value)]];
}

function queryOf(value, arrays) {
	return Object.entries(value || {}).flatMap(([name, each]) => {
		if (!Array.isArray(each)) return pairs(each, name);
		const named = { brackets: () => `${name}[]`, repeat: () => name, comma: () => name, indices: (place) => `${name}[${place}]` };
		if (arrays === 'comma') return [[name, each.join(',')]];
		return each.map((one, place) => [(named[arrays] || named.brackets)(place), String(one)]);
	});
}

function addressOf(options) {
	const given = String(options.url ?? options.uri ?? '');
	const base = options.baseURL || options.baseUrl;
	const joined = base && !/^https?:\/\//i.test(given) ? `${String(base).replace(/\/$/, '')}/${given.replace(/^\//, '')}` : given;
	const url = new URL(joined);
	const arrays = options.arrayFormat || options.qsStringifyOptions?.arrayFormat || (options.useQuerystring ? 'repeat' : 'indices');
	for (const [name, value] of queryOf(options.qs, arrays)) url.searchParams.append(name, value);
	return url;
}

const has = (headers, name) => Object.keys(headers).some((each) => each.toLowerCase() === name);

async function multipart(form, headers) {
	const data = new FormData();
	for (const [name, value] of Object.entries(form)) {
		for (const each of Array.isArray(value) ? value : [value]) {
			const content = each && each.value !== undefined && each.options ? each.value : each;
			if (Buffer.isBuffer(content)) {
				const about = each.options || {};
				data.append(name, new Blob([content], { type: about.contentType }), about.filename || name);
			} else data.append(name, String(content));
		}
	}
	return ofForm(data, headers);
}

async function ofForm(data, headers) {
	const made = new Response(data);
	headers['content-type'] = made.headers.get('content-type');
	return Buffer.from(await made.arrayBuffer());
}

async function bodyOf(options, headers) {
	const set = (type) => has(headers, 'content-type') || (headers['content-type'] = type);
	if (options.formData) return multipart(options.formData, headers);
	if (options.form) {
		set('application/x-www-form-urlencoded');
		return Buffer.from(typeof options.form === 'string' ? options.form : new URLSearchParams(pairs(options.form)).toString());
	}
	const { body } = options;
	if (body === undefined || body === null || body === '') return null;
	if (Buffer.isBuffer(body)) return body;
	if (body instanceof URLSearchParams) {
		set('application/x-www-form-urlencoded');
		return Buffer.from(body.toString());
	}
	if (body instanceof FormData) return ofForm(body, headers);
	if (typeof body.getBuffer === 'function' && typeof body.getHeaders === 'function') {
		Object.assign(headers, body.getHeaders());
		return body.getBuffer();
	}
	if (typeof body === 'string') {
		if (options.json === true) set('application/json');
		return Buffer.from(body);
	}
	const isEmpty = !Array.isArray(body) && Object.keys(body).length === 0;
	if (isEmpty && (options.method || 'GET').toUpperCase() === 'GET') return null;
	const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type');
	if (type && String(type[1]).startsWith('application/x-www-form-urlencoded')) {
		return Buffer.from(new URLSearchParams(pairs(body)).toString());
	}
	set('application/json');
	return Buffer.from(JSON.stringify(body));
}

function once(url, method, headers, body, options) {
	return new Promise((resolve, reject) => {
		const client = url.protocol === 'https:' ? https : http;
		const insecure = options.rejectUnauthorized === false || options.skipSslCertificateValidation === true;
		const request = client.request(url, { method, headers, agent: false, rejectUnauthorized: !insecure, timeout: options.timeout || 300_000 });
		request.on('timeout', () => request.destroy(new Error(`${url.host} did not answer in time`)));
		request.on('error', reject);
		request.on('response', (response) => {
			const unpack = { gzip: zlib.createGunzip, deflate: zlib.createInflate, br: zlib.createBrotliDecompress }[response.headers['content-encoding']];
			const stream = unpack ? response.pipe(unpack()) : response;
			const parts = [];
			let size = 0;
			stream.on('data', (part) => {
				size += part.length;
				if (size > MAX_BYTES) return request.destroy(new Error(`${url.host} answered with more than ${MAX_BYTES} bytes`));
				parts.push(part);
			});
			stream.on('end', () => resolve({ response, content: Buffer.concat(parts) }));
			stream.on('error', reject);
			response.on('error', reject);
		});
		request.end(body ?? undefined);
	});
}

async function sent(options) {
	let url = addressOf(options);
	let method = String(options.method || 'GET').toUpperCase();
	const headers = { accept: 'application/json, text/plain, */*', 'accept-encoding': 'gzip, deflate, br' };
	for (const [name, value] of Object.entries(options.headers || {})) {
		if (value !== undefined && value !== null) headers[name.toLowerCase()] = Array.isArray(value) ? value.map(String) : String(value);
	}
	let body = await bodyOf(options, headers);
	if (options.auth) {
		const { username, user, password, pass, bearer } = options.auth;
		headers.authorization = bearer
			? `Bearer ${bearer}`
			: `Basic ${Buffer.from(`${username ?? user ?? ''}:${password ?? pass ?? ''}`).toString('base64')}`;
	}
	const follows = options.disableFollowRedirect !== true && options.followRedirect !== false;
	for (let left = options.maxRedirects ?? REDIRECTS; ; left -= 1) {
		if (body) headers['content-length'] = String(body.length);
		const found = await once(url, method, headers, body, options);
		const { statusCode, headers: told } = found.response;
		if (!follows || statusCode < 300 || statusCode > 399 || !told.location) return found;
		if (left <= 0) throw new Error(`${url.host} redirects without end`);
		const next = new URL(told.location, url);
		const signed = options[SIGNED] || { headers: [], body: false };
		if (next.origin !== url.origin) for (const name of ['authorization', 'cookie', ...signed.headers]) delete headers[name];
		if (statusCode === 303 || (statusCode < 303 && method === 'POST')) {
			[method, body] = ['GET', null];
			for (const name of ['content-length', 'content-type']) delete headers[name];
		}
		if (body && signed.body && next.origin !== url.origin) {
			throw new Error(`${url.host} redirects to ${next.host}, which the credential in the body is not for`);
		}
		url = next;
	}
}

function parsed(content, as) {
	if (as === 'buffer') return content;
	const text = content.toString('utf8');
	if (as === 'text') return text;
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

/** `helpers.httpRequest`. */
async function httpRequest(options) {
	const { response, content } = await sent(options);
	const as = { arraybuffer: 'buffer', stream: 'buffer', text: 'text', document: 'text' }[options.encoding] || 'json';
	const body = parsed(content, as);
	const isError = response.statusCode < 200 || response.statusCode > 299;
	const isLed = response.statusCode < 400 && options.disableFollowRedirect === true;
	if (isError && !isLed && options.ignoreHttpStatusErrors !== true) throw new StatusError(response, as === 'buffer' ? parsed(content) : body);
	if (options.returnFullResponse !== true) return body;
	return { body, headers: response.headers, statusCode: response.statusCode, statusMessage: response.statusMessage };
}

/** `helpers.request`: of an address, or of options; a body that is JSON is read only where `json` says so. */
async function request(first, second) {
	const options = typeof first === 'string' ? { ...second, url: first } : { ...first };
	if (options.json && typeof options.json === 'object') [options.body, options.json] = [options.json, true];
	const { response, content } = await sent(options);
	const body = parsed(content, options.encoding === null || options.encoding === 'arraybuffer' ? 'buffer' : options.json ? 'json' : 'text');
	const isError = response.statusCode < 200 || response.statusCode > 299;
	if (isError && options.simple !== false) throw new StatusError(response, parsed(content));
	if (options.resolveWithFullResponse !== true) return body;
	return { body, headers: response.headers, statusCode: response.statusCode, statusMessage: response.statusMessage };
}

module.exports = { httpRequest, request, SIGNED };
