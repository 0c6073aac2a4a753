// n8n's data transformation functions, written from their public documentation. They are methods on the built-in types, not enumerable.
(function () {
  'use strict';
  const { DateTime, Duration } = luxon;

  class ExpressionError extends Error {
    constructor(message) {
      super(message);
      this.name = 'ExpressionError';
    }
  }

  // The functions of each kind of value by name, in n8n's order of kinds. One that is null is known to n8n, and gives nothing.
  const KINDS = ['Array', 'Date', 'Number', 'Object', 'String', 'Boolean'].map((kind) => [kind, new Map()]);
  const BY_KIND = Object.fromEntries(KINDS);
  const known = (kind, methods) => Object.entries(methods).forEach(([name, method]) => BY_KIND[kind].set(name, method));
  const add = (prototype, methods) => {
    known(prototype.constructor.name, methods);
    for (const [name, value] of Object.entries(methods)) {
      if (!Object.prototype.hasOwnProperty.call(prototype, name)) {
        Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
      }
    }
  };
  const replace = (prototype, methods) => {
    for (const [name, value] of Object.entries(methods)) {
      Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };
  const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  const same = (a, b) => {
    if (a === b || (a !== a && b !== b)) return true;
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
    if (Array.isArray(a) !== Array.isArray(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
  };
  const isEmpty = (value) => value === null || value === undefined || value === '' ||
    (Array.isArray(value) ? value.length === 0 : isObject(value) && !DateTime.isDateTime(value) && !(value instanceof Date) &&
      Object.keys(value).length === 0);

  // ---- text -------------------------------------------------------------------------------------------------------------------
  const EMAIL = /(?:[^<>()[\]\\.,;:\s@"]+(?:\.[^<>()[\]\\.,;:\s@"]+)*|".+")@((?:\[\d{1,3}(?:\.\d{1,3}){3}\])|(?:[a-z\d-]+\.)+[a-z]{2,})/i;
  const HOST = '(localhost|\\d{1,3}(?:\\.\\d{1,3}){3}|(?:[\\w-]+\\.)+[a-z]{2,})';
  const URL_TEXT = new RegExp(`(?:https?|ftp)://${HOST}\\S*`, 'i');
  const WHOLE_URL = new RegExp(`^https?://${HOST}\\S*$`, 'i');
  const WHOLE_DOMAIN = new RegExp(`^${HOST}(?::\\d+)?(?:[/?#]\\S*)?$`, 'i');
  const OF_URL = new RegExp(`^(?:(?:[a-z][a-z\\d+.-]*:)?//(?:[^@/?#\\s]*@)?)?${HOST}(?::\\d+)?(?:[/?#]\\S*)?$`, 'i');
  const URL_PATH = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*(\/[^?#]*)?/i;
  const isEmail = (text) => !text.includes(' ') && EMAIL.test(text);

  const utf8 = (text) => {
    const bytes = [];
    for (const letter of text) {
      const code = letter.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return bytes;
  };
  const fromUtf8 = (bytes) => {
    let text = '';
    for (let at = 0; at < bytes.length;) {
      const first = bytes[at];
      const length = first < 0x80 ? 1 : first >> 5 === 6 ? 2 : first >> 4 === 14 ? 3 : first >> 3 === 30 ? 4 : 0;
      let code = length === 1 ? first : first & (0xff >> (length + 1));
      let valid = length > 0 && at + length <= bytes.length;
      for (let next = 1; valid && next < length; next++) {
        valid = (bytes[at + next] & 0xc0) === 0x80;
        code = (code << 6) | (bytes[at + next] & 63);
      }
      text += valid ? String.fromCodePoint(Math.min(code, 0x10ffff)) : '\ufffd';
      at += valid ? length : 1;
    }
    return text;
  };
  const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const toBase64 = (bytes) => {
    let text = '';
    for (let at = 0; at < bytes.length; at += 3) {
      const group = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      text += LETTERS[group >> 18] + LETTERS[(group >> 12) & 63] +
        (at + 1 < bytes.length ? LETTERS[(group >> 6) & 63] : '=') + (at + 2 < bytes.length ? LETTERS[group & 63] : '=');
    }
    return text;
  };
  const fromBase64 = (text) => {
    const bytes = [];
    let bits = 0, held = 0;
    for (const letter of text.replace(/-/g, '+').replace(/_/g, '/')) {
      const value = LETTERS.indexOf(letter);
      if (value < 0) continue;
      held = (held << 6) | value;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        bytes.push((held >> bits) & 0xff);
      }
    }
    return bytes;
  };
  let spelled = null; // the package transliteration, which the host loads where it is needed
  const letters = (transliterate) => { spelled = transliterate; return spelled; };
  // The text's own zone is kept, as n8n keeps it.
  const parseDate = (text) => {
    for (const read of [DateTime.fromISO, DateTime.fromRFC2822, DateTime.fromHTTP, DateTime.fromSQL]) {
      const found = read.call(DateTime, text.trim(), { setZone: true });
      if (found.isValid) return found;
    }
    const found = DateTime.fromJSDate(new Date(text));
    if (!found.isValid) throw new ExpressionError('cannot convert to Luxon DateTime');
    return found;
  };
  // As the package title-case has it: a word that has capitals or a dot within is left alone, and so are small words in the middle.
  const SMALL_WORDS = /\b(?:an?d?|a[st]|because|but|by|en|for|i[fn]|neither|nor|o[fnr]|only|over|per|so|some|tha[tn]|the|to|up|upon|vs?\.?|versus|via|when|with|without|yet)\b/i;
  const titled = (text) => Array.from(text.matchAll(/[^\s:–—-]+|./g), ({ 0: word, index }) => {
    const end = index + word.length;
    const within = index > 0 && end < text.length;
    const scheme = text[end] === ':' && !/\s/.test(text.charAt(end + 1));
    if (/.(?=[A-Z]|\..)/.test(word) || (within && SMALL_WORDS.test(word)) || scheme) return word;
    return word.replace(/[A-Za-z0-9\u00c0-\u00ff]/, (letter) => letter.toUpperCase());
  }).join('');
  // Bytes that are no UTF-8 stay the letters of their numbers.
  const UTF8 = /[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}/g;
  const decoded = (text) => {
    const plain = text.replace(/-/g, '+').replace(/_/g, '/').replace(/[^A-Za-z0-9+/]/g, '');
    if (plain.length % 4 === 1) throw new TypeError('no base64');
    const letters = fromBase64(plain).map((byte) => String.fromCharCode(byte)).join('');
    return letters.replace(UTF8, (found) => fromUtf8(Array.from(found, (letter) => letter.charCodeAt(0))));
  };
  // What stands before a number's own letters: $5, -€ 5.
  const uncoined = (text) => text.replace(/\p{Sc}/gu, '').replace(/^(\s*-)\s+/, '$1');

  add(String.prototype, {
    base64Encode() { return toBase64(utf8(String(this))); },
    base64Decode() { return decoded(String(this)); },
    extractDomain() {
      const text = String(this);
      return isEmail(text) ? EMAIL.exec(text)[1] : OF_URL.exec(text)?.[1];
    },
    extractEmail() { return EMAIL.exec(String(this))?.[0]; },
    extractUrl() { return URL_TEXT.exec(String(this))?.[0]; },
    extractUrlPath() {
      const parts = URL_PATH.exec(String(this));
      return parts ? parts[1] ?? '/' : undefined;
    },
    hash(algorithm) {
      const name = (algorithm ?? 'md5').toLowerCase();
      if (name === 'base64') return toBase64(utf8(String(this)));
      const { names, hash } = __hashes;
      if (!names.includes(name)) {
        throw new ExpressionError(`Unknown algorithm ${algorithm}. Available algorithms are: ${names.join()}, and Base64.`);
      }
      return hash(utf8(String(this)), name);
    },
    isDomain() { return WHOLE_DOMAIN.test(String(this)); },
    isEmail() { return isEmail(String(this)); },
    isUrl() { return WHOLE_URL.test(String(this)); },
    isNumeric() {
      const text = String(this);
      return text.trim() !== '' && !text.includes(' ') && !Number.isNaN(Number(text));
    },
    isEmpty() { return this.length === 0; },
    isNotEmpty() { return this.length > 0; },
    parseJson() {
      try {
        return JSON.parse(String(this));
      } catch {
        throw new ExpressionError(String(this).includes("'") ? "Parsing failed. Check you're using double quotes" : 'Parsing failed');
      }
    },
    quote(mark = '"') {
      return mark + String(this).replace(/\\/g, '\\\\').replace(new RegExp(`\\${mark}`, 'g'), `\\${mark}`) + mark;
    },
    removeMarkdown() {
      return String(this)
        .replace(/^(\s*)(?:[-*+]|\d+\.)\s+/gm, '$1')
        .replace(/\n={2,}/g, '\n')
        .replace(/~~|`{3}.*\n/g, '')
        .replace(/<[^>]*>/g, '')
        .replace(/\[\^.+?\](?:: .*?$)?/g, '')
        .replace(/\s{0,2}\[.*?\]: .*?$/g, '')
        .replace(/!\[[^\]]*\][[(][^\])]*[\])]/g, '')
        .replace(/\[([^\]]*)\][[(][^\])]*[\])]/g, '$1')
        .replace(/>/g, '')
        .replace(/^#{1,6}\s*([^#]*)\s*(?:#{1,6})?/gm, '$1')
        .replace(/([*_]{1,3})(\S.*?\S)\1/g, '$2')
        .replace(/`(.+?)`/g, '$1')
        .replace(/\n{2,}/g, '\n\n');
    },
    removeTags() { return String(this).replace(/<[^>]*>?/g, ''); },
    replaceSpecialChars() { return spelled(String(this), { unknown: '?' }); },
    toBoolean() { return !['false', 'no', '0', ''].includes(String(this).toLowerCase()); },
    toDateTime(format) {
      const text = String(this);
      const stamps = { ms: 1, s: 1000, us: 0.001 };
      if (format === 'excel') return Number(text).toDateTime('excel');
      if (format in stamps) {
        const value = Number(text) * stamps[format];
        return Number.isNaN(value) ? DateTime.invalid('not a number') : DateTime.fromMillis(value);
      }
      if (format) return typeof format === 'string' ? DateTime.fromFormat(text, format) : DateTime.invalid('unparsable');
      return parseDate(text);
    },
    toDate() {
      const date = new Date(String(this));
      if (Number.isNaN(date.getTime())) throw new ExpressionError('cannot convert to date');
      return date;
    },
    toInt(radix) {
      const value = parseInt(uncoined(String(this)), radix);
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to integer');
      return value;
    },
    toWholeNumber(radix) { return String(this).toInt(radix); },
    toFloat() {
      if (String(this).includes(',')) throw new ExpressionError('cannot convert to float, expected . as decimal separator');
      const value = parseFloat(uncoined(String(this)));
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to float');
      return value;
    },
    toDecimalNumber() { return String(this).toFloat(); },
    toNumber() {
      const value = Number(uncoined(String(this)));
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to number');
      return value;
    },
    toJsonString() { return JSON.stringify(String(this)); },
    toSentenceCase() {
      return String(this).toLowerCase().replace(/(^|[.!?])([^\p{L}.!?]*)(\p{L})/gu, (_, end, between, letter) => end + between + letter.toUpperCase());
    },
    toSnakeCase() { return String(this).toLowerCase().replace(/[ -]/g, '_').replace(/(?!_)[\p{P}$+<=>^`|~]/gu, ''); },
    toTitleCase() { return titled(String(this)); },
    urlDecode(whole = false) { return whole ? decodeURI(String(this)) : decodeURIComponent(String(this)); },
    urlEncode(whole = false) { return whole ? encodeURI(String(this)) : encodeURIComponent(String(this)); },
  });

  // ---- numbers and booleans ---------------------------------------------------------------------------------------------------
  const EXCEL_EPOCH_DAYS = 25569;
  add(Number.prototype, {
    abs() { return Math.abs(this); },
    ceil() { return Math.ceil(this); },
    floor() { return Math.floor(this); },
    round(places = 0) { return Number(Number(this).toFixed(places)); },
    format(locale, options) {
      try {
        return new Intl.NumberFormat(locale ?? 'en-US', options ?? {}).format(Number(this));
      } catch {
        return String(this);
      }
    },
    isEven() { whole(this, 'isEven'); return this % 2 === 0; },
    isOdd() { whole(this, 'isOdd'); return Math.abs(this % 2) === 1; },
    isInteger() { return Number.isInteger(Number(this)); },
    isEmpty() { return !Number(this); },
    isNotEmpty() { return Boolean(Number(this)); },
    toBoolean() { return Number(this) !== 0; },
    toInt() { return Number(Number(this).toFixed(0)); },
    toFloat() { return Number(this); },
    toDateTime(format = 'ms') {
      const value = Number(this);
      const read = { ms: () => value, s: () => value * 1000, us: () => value / 1000, excel: () => (value - EXCEL_EPOCH_DAYS) * 86400000 }[format];
      if (!read) throw new ExpressionError(`Unsupported format '${format}'. toDateTime() supports 'ms', 's', 'us' and 'excel'.`);
      return DateTime.fromMillis(read());
    },
  });
  const whole = (value, name) => {
    if (!Number.isInteger(Number(value))) throw new ExpressionError(`${name}() is only callable on integers`);
  };
  add(Boolean.prototype, {
    isEmpty() { return !this.valueOf(); },
    isNotEmpty() { return this.valueOf(); },
    toBoolean() { return this.valueOf(); },
    toInt() { return this.valueOf() ? 1 : 0; },
    toFloat() { return this.valueOf() ? 1 : 0; },
    toNumber() { return this.valueOf() ? 1 : 0; },
  });

  // ---- lists ------------------------------------------------------------------------------------------------------------------
  // Two objects are one where their fields agree; other values, and all where no field is named, as they are.
  const unique = (list, fields) => {
    const key = (item) => (fields.length && item !== null && typeof item === 'object' ? fields.map((field) => item[field]) : item);
    const seen = new Set(), kept = [];
    for (const item of list) {
      const value = key(item);
      if (typeof value === 'object' && value !== null) {
        if (kept.some((other) => same(key(other), value))) continue;
      } else if (seen.has(value)) continue;
      else seen.add(value);
      kept.push(item);
    }
    return kept;
  };
  const numbers = (list, name) => {
    if (!list.every((value) => typeof value === 'number')) throw new ExpressionError(`${name}(): all array elements must be numbers`);
    return list;
  };
  const listed = (other, name, example = '[1, 2, 3, 4]') => {
    if (!Array.isArray(other)) throw new ExpressionError(`${name}(): expected array arg, e.g. .${name}(${example})`);
    return other;
  };
  // Where several have a field, the first of them counts.
  const merged = (list) => {
    const found = {};
    for (const item of list) if (isObject(item)) for (const [key, value] of Object.entries(item)) if (!(key in found)) found[key] = value;
    return found;
  };
  const NONE = Symbol('none');
  add(Array.prototype, {
    append(...values) { return [...this, ...values]; },
    average() { return this.length ? numbers(this, 'average').reduce((a, b) => a + b, 0) / this.length : 0; },
    sum() { return numbers(this, 'sum').reduce((a, b) => a + b, 0); },
    max() { return Math.max(...numbers(this, 'max')); },
    min() { return Math.min(...numbers(this, 'min')); },
    chunk(size) {
      if (typeof size !== 'number' || size === 0) throw new ExpressionError('chunk(): expected non-zero numeric arg, e.g. .chunk(5)');
      const chunks = [];
      for (let at = 0; at < this.length; at += size) chunks.push(this.slice(at, at + size));
      return chunks;
    },
    compact() {
      return this.filter(isThere).map(compacted);
    },
    difference(other) { listed(other, 'difference'); return unique(this.filter((value) => !other.some((each) => same(value, each))), []); },
    intersection(other) { listed(other, 'intersection'); return unique(this.filter((value) => other.some((each) => same(value, each))), []); },
    union(other) { return unique([...this, ...listed(other, 'union')], []); },
    first() { return this[0]; },
    last() { return this[this.length - 1]; },
    isEmpty() { return this.length === 0; },
    isNotEmpty() { return this.length > 0; },
    // With another list, pair by pair, as far as both go; a later pair counts before an earlier one.
    merge(other) {
      if (other === undefined) return merged(this);
      listed(other, 'merge', '[{ id: 1, otherValue: 3 }]');
      const pairs = this.slice(0, other.length).map((item, at) => [item, other[at]]);
      return Object.assign({}, ...pairs.filter((pair) => pair.every((each) => typeof each === 'object')).map(([item, more]) => ({ ...item, ...more, ...item })));
    },
    pluck(...fields) {
      return this.map((item) => {
        if (!fields.length) return item;
        if (!isObject(item)) return NONE;
        const values = fields.filter((field) => Object.keys(item).includes(field)).map((field) => item[field]);
        return values.length > 1 ? values : values.length ? values[0] : NONE;
      }).filter((value) => value !== NONE);
    },
    randomItem() { return this[Math.floor(Math.random() * this.length)]; },
    removeDuplicates(...fields) { return unique(this, fields); },
    unique(...fields) { return unique(this, fields); },
    renameKeys(...pairs) {
      if (pairs.length === 0 || pairs.length % 2) {
        throw new ExpressionError('renameKeys(): expected an even amount of args: from1, to1 [, from2, to2, ...]. e.g. .renameKeys("name", "title")');
      }
      return this.map((item) => {
        if (!isObject(item)) return item;
        const renamed = { ...item };
        for (let at = 0; at < pairs.length; at += 2) {
          if (!(pairs[at] in renamed)) continue;
          const value = renamed[pairs[at]];
          delete renamed[pairs[at]];
          renamed[pairs[at + 1]] = value;
        }
        return renamed;
      });
    },
    smartJoin(key, value) {
      if (!key || !value) throw new ExpressionError('smartJoin(): expected two string args, e.g. .smartJoin("name", "value")');
      return Object.fromEntries(this.filter((item) => isObject(item) && key in item && value in item).map((item) => [item[key], item[value]]));
    },
    toJsonString() { return JSON.stringify(this); },
  });

  // ---- objects ----------------------------------------------------------------------------------------------------------------
  // To n8n a list within is an object of its places.
  const isThere = (value) => value !== null && value !== undefined && value !== 'nil' && value !== '' &&
    (typeof value !== 'object' || Object.keys(value).length > 0);
  const compact = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => isThere(value)).map(([key, value]) => [key, compacted(value)]));
  const compacted = (value) => (value !== null && typeof value === 'object' && !DateTime.isDateTime(value) ? compact(value) : value);
  const holds = (value, text) => typeof value === 'string' && value.includes(text);
  // Not on `Object.prototype`: `$json.keys` is a field, and nothing where there is none. `rewrite.js` finds the calls in expressions.
  const objects = {
    isEmpty() { return isEmpty(this); },
    isNotEmpty() { return !isEmpty(this); },
    hasField(name) { return name in this; },
    removeField(name) { return Object.fromEntries(Object.entries(this).filter(([key]) => key !== name)); },
    removeFieldsContaining(text) {
      if (typeof text !== 'string' || text === '') throw new ExpressionError('removeFieldsContaining(): expected non-empty string arg');
      return Object.fromEntries(Object.entries(this).filter(([, value]) => !holds(value, text)));
    },
    keepFieldsContaining(text) {
      if (typeof text !== 'string' || text === '') throw new ExpressionError('argument of keepFieldsContaining must be a non-empty string');
      return Object.fromEntries(Object.entries(this).filter(([, value]) => holds(value, text)));
    },
    compact() { return compact(this); },
    keys() { return Object.keys(this); },
    values() { return Object.values(this); },
    toJsonString() { return JSON.stringify(this); },
    urlEncode() {
      return Object.entries(this).map(([key, value]) => {
        return [key, String(value)].map((part) => encodeURIComponent(part).replace(/%20/g, '+')).join('=');
      }).join('&');
    },
  };
  known('Object', objects);
  known('String', { length() { return this.length; } });
  const nothing = { toInt: null, toFloat: null, toBoolean: null, toDateTime: null };
  known('Array', nothing);
  known('Object', nothing);
  known('Boolean', { toDateTime: null });
  known('Date', { toBoolean: null });
  const NOTHING = { isEmpty: () => true, isNotEmpty: () => false };
  const kindOf = (value) => {
    if (typeof value !== 'object') return BY_KIND[{ string: 'String', number: 'Number', boolean: 'Boolean' }[typeof value]];
    return BY_KIND[Array.isArray(value) ? 'Array' : value instanceof Date ? 'Date' : DateTime.isDateTime(value) ? 'DateTime' : 'Object'];
  };
  // `value.name(...args)`: n8n's function for the kind of value or for what is not there, or else the value's own method.
  globalThis.__extend = (value, name, args) => {
    if (value === null || value === undefined) {
      if (name in NOTHING) return NOTHING[name]();
      throw new ExpressionError(`${name} can't be used on ${value} value`);
    }
    const kind = kindOf(value);
    const found = kind?.get(name);
    if (found) return found.apply(value, args);
    if (found !== null && typeof value[name] === 'function') return value[name](...args);
    if (name in NOTHING) return !NOTHING[name]();
    const kinds = KINDS.filter(([, names]) => names.has(name)).map(([each]) => `"${each}"`);
    if (found === null || (DateTime.isDateTime(value) && BY_KIND.Date.get(name) === null)) throw new TypeError(`${name}() is not callable here`); // n8n is silent here
    const said = kinds.length > 1 ? `types ${kinds.slice(0, -1).join(', ')}, and ${kinds.at(-1)}` : `type ${kinds[0]}`;
    throw new ExpressionError(`${name}() is only callable on ${said}`);
  };
  // What follows a `?.`: nothing of it is read where there is nothing.
  globalThis.__chain = (value, rest) => (value === null || value === undefined ? undefined : rest(value));

  // ---- dates ------------------------------------------------------------------------------------------------------------------
  const UNITS = {
    year: 'year', quarter: 'quarter', month: 'month', week: 'week', day: 'day', hour: 'hour', minute: 'minute', second: 'second', millisecond: 'millisecond',
    sec: 'second', min: 'minute', hr: 'hour', yr: 'year', mo: 'month', wk: 'week',
  };
  const unitOf = (name) => {
    const known = String(name).toLowerCase();
    return UNITS[known] ?? UNITS[known.replace(/s$/, '')] ?? name;
  };
  const asDate = (value) => {
    if (DateTime.isDateTime(value)) return value;
    if (value instanceof Date) return DateTime.fromJSDate(value);
    if (typeof value === 'number') return DateTime.fromMillis(value);
    return parseDate(String(value));
  };
  // What n8n gives for a JavaScript date is one again.
  const like = (given, found) => (given instanceof Date ? found.toJSDate() : found);
  const duration = (amount, unit) => (amount !== null && typeof amount === 'object' ? amount : { [unitOf(unit) + 's']: amount ?? 0 });
  const EXTRACT = { week: 'weekNumber' };
  const SPANS = ['milliseconds', 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'quarters', 'years'];
  const spanOf = (unit) => {
    const span = SPANS.find((each) => each === unit || (each === `${unit}s` && unit !== 'quarter'));
    if (!span) throw new ExpressionError(`Unsupported unit '${unit}'. Supported: ${SPANS.map((each) => `'${each}'`).join(', ')}.`);
    return span;
  };
  const difference = (from, to, units) => {
    const wanted = [units].flat().map(spanOf);
    const found = to.diff(from, wanted);
    return Array.isArray(units) ? found.toObject() : found.as(wanted[0]);
  };
  const given = (value) => {
    if (typeof value !== 'string' && !DateTime.isDateTime(value) && !(value instanceof Date)) throw new TypeError('no date'); // n8n is silent here
    return asDate(value);
  };
  const isDst = (date) => date.isInDST;
  const dates = {
    beginningOf(unit = 'week') { return like(this, asDate(this).startOf(unitOf(unit))); },
    endOfMonth() { return like(this, asDate(this).endOf('month')); },
    extract(part = 'week') { return part === 'yearDayNumber' ? asDate(this).ordinal - 1 : asDate(this).get(EXTRACT[part] ?? unitOf(part)); },
    format(pattern, options) { return asDate(this).toFormat(pattern, options); },
    isBetween(from, to) {
      if (from === undefined || to === undefined) throw new ExpressionError('isBetween(): expected exactly two args');
      const [first, second] = [from, to].map((each) => (typeof each === 'string' ? DateTime.fromJSDate(new Date(each)) : given(each))).sort((a, b) => a - b);
      if (!first.isValid || !second.isValid) return undefined;
      const date = asDate(this);
      return date > first && date < second;
    },
    isDst() { return isDst(asDate(this)); },
    isInLast(amount = 0, unit = 'minutes') {
      const date = asDate(this), now = DateTime.now();
      return date >= now.minus(duration(amount, unit)) && date <= now;
    },
    isWeekend() { return asDate(this).weekday > 5; },
    isEmpty() { return false; },
    isNotEmpty() { return true; },
    toDateTime() { return asDate(this); },
    toInt() { return asDate(this).toMillis(); },
    toFloat() { return asDate(this).toMillis(); },
    diffTo(other, units = 'days') { return difference(given(other), asDate(this), units); },
    diffToNow(units = 'days') { return difference(DateTime.now(), asDate(this), units); },
  };
  replace(DateTime.prototype, dates);
  const native = { plus: DateTime.prototype.plus, minus: DateTime.prototype.minus };
  replace(DateTime.prototype, {
    plus(amount, unit) { return native.plus.call(this, unit === undefined ? amount ?? 0 : duration(amount, unit)); },
    minus(amount, unit) { return native.minus.call(this, unit === undefined ? amount ?? 0 : duration(amount, unit)); },
  });
  const { diffTo: _unit, diffToNow: _now, ...both } = dates;
  add(Date.prototype, {
    ...both,
    plus(amount, unit) { return asDate(this).plus(amount, unit).toJSDate(); },
    minus(amount, unit) { return asDate(this).minus(amount, unit).toJSDate(); },
  });

  globalThis.__extensions = { letters, names: KINDS.flatMap(([, names]) => [...names.keys()]), ExpressionError, isEmpty, same, utf8, fromUtf8, toBase64, fromBase64, asDate, Duration };
})();
