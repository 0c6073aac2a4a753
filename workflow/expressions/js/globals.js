// What code may use beside the language, as a browser or Node.js has it: Buffer, URL, URLSearchParams, TextEncoder, TextDecoder and
// crypto.randomUUID. Own work on top of the language; nothing of it reaches the host.
(function () {
  'use strict';
  const { utf8, fromUtf8, toBase64, fromBase64 } = __extensions;
  const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));
  const latin = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const ENCODINGS = {
    utf8: { to: utf8, from: fromUtf8 },
    base64: { to: fromBase64, from: toBase64 },
    base64url: { to: fromBase64, from: (bytes) => toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '') },
    hex: { to: (text) => (text.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => parseInt(pair, 16)), from: (bytes) => Array.from(bytes, (byte) => HEX[byte]).join('') },
    latin1: { to: (text) => Array.from(text, (letter) => letter.charCodeAt(0) & 255), from: latin },
    ascii: { to: (text) => Array.from(text, (letter) => letter.charCodeAt(0) & 255), from: (bytes) => latin(bytes.map((byte) => byte & 127)) },
  };
  const ALIASES = { 'utf-8': 'utf8', binary: 'latin1' };
  const encoding = (name = 'utf8') => {
    const known = String(name).toLowerCase();
    const found = ENCODINGS[ALIASES[known] ?? known];
    if (!found) throw new TypeError(`Unknown encoding: ${name}`);
    return found;
  };

  class Buffer extends Uint8Array {
    static from(value, name) {
      const bytes = typeof value === 'string' ? encoding(name).to(value)
        : value instanceof ArrayBuffer ? new Uint8Array(value) : value?.type === 'Buffer' && Array.isArray(value.data) ? value.data : value;
      const made = new Buffer(bytes.length);
      made.set(bytes);
      return made;
    }
    static alloc(size, fill = 0) { return new Buffer(size).fill(fill); }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(value, name) { return typeof value === 'string' ? encoding(name).to(value).length : value.byteLength; }
    static concat(list) { return Buffer.from(list.flatMap((each) => Array.from(each))); }
    toString(name, start = 0, end = this.length) { return encoding(name).from(Array.from(this).slice(start, end)); }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
    equals(other) { return this.length === other.length && this.every((byte, at) => byte === other[at]); }
    slice(start, end) { return Buffer.from(Array.from(this).slice(start, end)); }
  }

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return Uint8Array.from(utf8(String(text))); }
  }
  class TextDecoder {
    get encoding() { return 'utf-8'; }
    decode(bytes = []) { return fromUtf8(Array.from(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes)); }
  }

  const decodePart = (text) => {
    const plain = text.replace(/\+/g, ' ');
    try {
      return decodeURIComponent(plain);
    } catch {
      return plain;
    }
  };
  const encodePart = (text) => encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (letter) => '%' + letter.charCodeAt(0).toString(16).toUpperCase());
  class URLSearchParams {
    #pairs = [];
    #changed;
    constructor(given = '', changed = () => {}) {
      this.#changed = changed;
      if (typeof given === 'string') {
        this.#pairs = given.replace(/^\?/, '').split('&').filter(Boolean).map((part) => {
          const [name, ...rest] = part.split('=');
          return [decodePart(name), decodePart(rest.join('='))];
        });
      } else {
        const pairs = typeof given[Symbol.iterator] === 'function' ? [...given] : Object.entries(given);
        this.#pairs = pairs.map(([name, value]) => [String(name), String(value)]);
      }
    }
    get(name) { return this.#pairs.find((pair) => pair[0] === name)?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]); }
    has(name) { return this.#pairs.some((pair) => pair[0] === name); }
    append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(); }
    delete(name) { this.#pairs = this.#pairs.filter((pair) => pair[0] !== name); this.#changed(); }
    set(name, value) {
      const at = this.#pairs.findIndex((pair) => pair[0] === name);
      const rest = this.#pairs.filter((pair, number) => pair[0] !== name || number === at);
      if (at < 0) rest.push([String(name), String(value)]);
      else rest[at] = [String(name), String(value)];
      this.#pairs = rest;
      this.#changed();
    }
    sort() { this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#changed(); }
    forEach(run) { for (const [name, value] of this.#pairs) run(value, name, this); }
    keys() { return this.#pairs.map((pair) => pair[0])[Symbol.iterator](); }
    values() { return this.#pairs.map((pair) => pair[1])[Symbol.iterator](); }
    entries() { return this.#pairs.map((pair) => [...pair])[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    get size() { return this.#pairs.length; }
    toString() { return this.#pairs.map((pair) => pair.map(encodePart).join('=')).join('&'); }
  }

  const PORTS = { 'http:': '80', 'https:': '443', 'ftp:': '21', 'ws:': '80', 'wss:': '443' };
  const WHOLE = /^([a-z][a-z0-9+.-]*:)\/\/(?:([^@/?#:]*)(?::([^@/?#]*))?@)?(\[[^\]]+\]|[^:/?#\s]+)(?::(\d+))?([^?#]*)(\?[^#]*)?(#.*)?$/i;
  const tidied = (path) => {
    const kept = [];
    const parts = path.split('/').slice(1);
    parts.forEach((part, at) => {
      if (part === '..') kept.pop();
      else if (part !== '.') kept.push(part);
      if ((part === '..' || part === '.') && at === parts.length - 1) kept.push('');
    });
    return '/' + kept.join('/');
  };
  const escaped = (text) => text.replace(/[\s"<>`{}\u0080-\u{10ffff}]/gu, (letter) => encodeURIComponent(letter));
  const resolved = (text, base) => {
    if (WHOLE.test(text) || base === undefined) return text;
    const { protocol, origin, pathname, search } = new URL(base);
    if (text.startsWith('//')) return protocol + text;
    if (text.startsWith('/')) return origin + text;
    if (text.startsWith('?')) return origin + pathname + text;
    if (text === '' || text.startsWith('#')) return origin + pathname + search + text;
    return origin + pathname.replace(/[^/]*$/, '') + text;
  };
  class URL {
    constructor(text, base) {
      const found = WHOLE.exec(resolved(String(text).trim(), base));
      if (!found) throw new TypeError(`Invalid URL: ${text}`);
      const [, protocol, user = '', password = '', host, port = '', path, search = '', hash = ''] = found;
      this.protocol = protocol.toLowerCase();
      this.username = user;
      this.password = password;
      this.hostname = host.toLowerCase();
      this.port = PORTS[this.protocol] === port ? '' : port;
      this.pathname = tidied(escaped(path || '/'));
      this.search = search === '?' ? '' : escaped(search);
      this.hash = hash === '#' ? '' : escaped(hash);
      Object.defineProperty(this, 'searchParams', { enumerable: true, value: new URLSearchParams(this.search, () => {
        const written = this.searchParams.toString();
        this.search = written ? '?' + written : '';
      }) });
    }
    static canParse(text, base) {
      try {
        return new URL(text, base) instanceof URL;
      } catch {
        return false;
      }
    }
    get host() { return this.port ? `${this.hostname}:${this.port}` : this.hostname; }
    get origin() { return `${this.protocol}//${this.host}`; }
    get href() {
      const user = this.username ? `${this.username}${this.password ? ':' + this.password : ''}@` : '';
      return `${this.protocol}//${user}${this.host}${this.pathname}${this.search}${this.hash}`;
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }

  const randomUUID = () => 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (letter) => {
    const number = Math.floor(Math.random() * 16);
    return (letter === 'x' ? number : (number & 3) | 8).toString(16);
  });
  Object.assign(globalThis, { Buffer, TextEncoder, TextDecoder, URLSearchParams, URL, crypto: { randomUUID } });
  for (const name of ['Buffer', 'TextEncoder', 'TextDecoder', 'URLSearchParams', 'URL', 'crypto']) {
    Object.defineProperty(globalThis, name, { enumerable: false });
  }
})();
