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

  // Which kinds of value have a function of a name, in n8n's order of kinds.
  const KINDS = ['Array', 'Date', 'Number', 'Object', 'String', 'Boolean'].map((kind) => [kind, new Set()]);
  const known = (kind, methods) => Object.keys(methods).forEach((name) => KINDS.find(([each]) => each === kind)[1].add(name));
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
  const EMAIL = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/u;
  const URL_TEXT = /(?:https?|ftp|file):\/\/(?:[^\s/@]+@)?(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|(?:[\w-]+\.)+[a-z]{2,})[^\s<>"']*/i;
  const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:[^@/?#]*@)?(\[[^\]]+\]|[^:/?#\s]+)(?::(\d+))?(\/[^?#\s]*)?(\?[^#\s]*)?(#\S*)?$/i;
  const DOMAIN = /^(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?\.)+\p{L}{2,63})$/u;

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
  const LATIN = {
    'Æ': 'AE', 'æ': 'ae', 'Ø': 'O', 'ø': 'o', 'Œ': 'OE', 'œ': 'oe', 'ß': 'ss', 'Đ': 'D', 'đ': 'd', 'Ł': 'L', 'ł': 'l', 'Þ': 'TH', 'þ': 'th',
    'ı': 'i', 'Ħ': 'H', 'ħ': 'h', 'Ŋ': 'N', 'ŋ': 'n', 'Ŧ': 'T', 'ŧ': 't',
  };
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
  const SMALL_WORDS = new Set(('a an and as at because but by en for if in neither nor of on only or over per so some than that the to ' +
    'up upon v versus via vs when with without yet').split(' '));

  add(String.prototype, {
    base64Encode() { return toBase64(utf8(String(this))); },
    base64Decode() { return fromUtf8(fromBase64(String(this))); },
    extractDomain() {
      const text = String(this);
      const email = text.match(EMAIL);
      if (email && email[0] === text) return text.split('@')[1];
      const found = text.match(/^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/?#\s]*@)?((?:[\p{L}\p{N}_-]+\.)+[\p{L}\p{N}-]+|localhost)(?:[:/?#]|$)/iu);
      return found ? found[1] : undefined;
    },
    extractEmail() { return (String(this).match(EMAIL) || [])[0]; },
    extractUrl() { return (String(this).match(URL_TEXT) || [])[0]; },
    extractUrlPath() {
      const parts = String(this).match(URL_PARTS);
      return parts ? parts[4] || '/' : undefined;
    },
    hash(algorithm = 'md5') {
      if (algorithm === 'base64') return toBase64(utf8(String(this)));
      const { names, hash } = __hashes;
      if (!names.includes(__hashes.plain(algorithm))) {
        throw new ExpressionError(`Unknown algorithm ${algorithm}. Available algorithms are: ${names.join()}, and Base64.`);
      }
      return hash(utf8(String(this)), algorithm);
    },
    isDomain() { return DOMAIN.test(String(this)); },
    isEmail() {
      const found = String(this).match(EMAIL);
      return found !== null && found[0] === String(this);
    },
    isUrl() {
      const text = String(this);
      const found = text.match(URL_PARTS);
      return found !== null && /^https?$/i.test(found[1]) && DOMAIN.test(found[2]);
    },
    isNumeric() {
      const text = String(this);
      return text.trim() !== '' && !/\s/.test(text) && !Number.isNaN(Number(text));
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
        .replace(/!\[[^\]]*\][[(][^\])]*[\])]/g, '')
        .replace(/\[([^\]]*)\][[(][^\])]*[\])]/g, '$1')
        .replace(/>/g, '')
        .replace(/^#{1,6}\s*([^#]*)\s*(?:#{1,6})?/gm, '$1')
        .replace(/([*_]{1,3})(\S.*?\S)\1/g, '$2')
        .replace(/`(.+?)`/g, '$1')
        .replace(/\n{2,}/g, '\n\n');
    },
    removeTags() { return String(this).replace(/<[^>]*>?/g, ''); },
    replaceSpecialChars() {
      return String(this).normalize('NFD').replace(/\p{M}/gu, '').replace(/[^\x00-\x7f]/gu, (letter) => LATIN[letter] ?? letter);
    },
    toBoolean() { return !['false', 'no', '0', ''].includes(String(this).toLowerCase()); },
    toDateTime(format) {
      const text = String(this);
      const stamps = { ms: 1, s: 1000, us: 0.001 };
      if (format === 'excel') return Number(text).toDateTime('excel');
      if (format in stamps) {
        const value = Number(text) * stamps[format];
        return Number.isNaN(value) ? DateTime.invalid('not a number') : DateTime.fromMillis(value);
      }
      if (format !== undefined) return typeof format === 'string' ? DateTime.fromFormat(text, format) : DateTime.invalid('unparsable');
      return parseDate(text);
    },
    toDate() {
      const date = new Date(String(this));
      if (Number.isNaN(date.getTime())) throw new ExpressionError('cannot convert to date');
      return date;
    },
    toInt(radix) {
      const value = parseInt(String(this).replace(/,/g, ''), radix ?? 10);
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to integer');
      return value;
    },
    toWholeNumber(radix) { return String(this).toInt(radix); },
    toFloat() {
      if (String(this).includes(',')) throw new ExpressionError('cannot convert to float, expected . as decimal separator');
      const value = parseFloat(String(this));
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to float');
      return value;
    },
    toDecimalNumber() { return String(this).toFloat(); },
    toNumber() {
      const value = Number(String(this));
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to number');
      return value;
    },
    toJsonString() { return JSON.stringify(String(this)); },
    toSentenceCase() {
      return String(this).toLowerCase().replace(/(^\s*|[.!?]\s+)(\p{L})/gu, (_, before, letter) => before + letter.toUpperCase());
    },
    toSnakeCase() { return String(this).toLowerCase().replace(/[\s-]/g, '_').replace(/[^\p{L}\p{N}_]/gu, ''); },
    toTitleCase() {
      const text = String(this);
      return text.replace(/\p{L}[\p{L}\p{N}_'’]*/gu, (word, at) => (
        (SMALL_WORDS.has(word) && at > 0 && at + word.length < text.length) || /.\p{Lu}/u.test(word) ? word : word[0].toUpperCase() + word.slice(1)));
    },
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
    format(locale = 'en-US', options = {}) {
      if (typeof locale === 'object') return Number(this).toLocaleString('en-US', locale);
      try {
        return new Intl.NumberFormat(locale, options).format(Number(this));
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
  const unique = (list, fields) => {
    const key = fields.length ? (item) => fields.map((field) => item?.[field]) : (item) => item;
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
  const named = (fields) => fields.flat().flatMap((field) => String(field).split(',')).map((field) => field.trim()).filter(Boolean);
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
      return this.filter((value) => value !== null && value !== undefined && value !== 'nil' && !isEmpty(value))
        .map((value) => (isObject(value) && !DateTime.isDateTime(value) ? compact(value) : value));
    },
    difference(other) { listed(other, 'difference'); return unique(this.filter((value) => !other.some((each) => same(value, each))), []); },
    intersection(other) { listed(other, 'intersection'); return unique(this.filter((value) => other.some((each) => same(value, each))), []); },
    union(other) { return unique([...this, ...listed(other, 'union')], []); },
    first() { return this[0]; },
    last() { return this[this.length - 1]; },
    isEmpty() { return this.length === 0; },
    isNotEmpty() { return this.length > 0; },
    // With another list, item by item, as far as both go; then all of that into one.
    merge(other) {
      if (other === undefined) return merged(this);
      listed(other, 'merge', '[{ id: 1, otherValue: 3 }]');
      return merged(this.slice(0, other.length).flatMap((item, at) => [item, other[at]]));
    },
    pluck(...fields) {
      return this.map((item) => {
        if (!fields.length) return item;
        if (!isObject(item)) return undefined;
        const values = fields.map((field) => item[field]).filter((value) => value !== undefined);
        return values.length > 1 ? values : values[0];
      }).filter((value) => !fields.length || value !== undefined);
    },
    randomItem() { return this[Math.floor(Math.random() * this.length)]; },
    removeDuplicates(...fields) { return unique(this, named(fields)); },
    unique(...fields) { return unique(this, named(fields)); },
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
  const compact = (object) => Object.fromEntries(Object.entries(object)
    .filter(([, value]) => value !== null && value !== undefined && value !== 'nil' && value !== '')
    .map(([key, value]) => [key, isObject(value) && !DateTime.isDateTime(value) ? compact(value) : value]));
  const holds = (value, text) => typeof value === 'string' && value.includes(text);
  // Not on `Object.prototype`: `$json.keys` is a field, and nothing where there is none. `rewrite.js` finds the calls in expressions.
  const objects = {
    isEmpty() { return isEmpty(this); },
    isNotEmpty() { return !isEmpty(this); },
    hasField(name) { return Object.prototype.hasOwnProperty.call(this, name); },
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
        const text = value === null || value === undefined ? String(value) : typeof value === 'object' ? JSON.stringify(value) : String(value);
        return [key, text].map((part) => encodeURIComponent(part).replace(/%20/g, '+')).join('=');
      }).join('&');
    },
  };
  known('Object', objects);
  known('String', { length: null });
  known('Boolean', { toDateTime: null });
  known('Object', { toBoolean: null });
  const NOTHING = { isEmpty: () => true, isNotEmpty: () => false };
  // `value.name(...args)`: the value's own method, or n8n's function for objects and for what is not there.
  globalThis.__extend = (value, name, args, optional) => {
    if (value === null || value === undefined) {
      if (optional) return undefined;
      if (name in NOTHING) return NOTHING[name]();
      throw new ExpressionError(`${name} can't be used on ${value} value`);
    }
    if (typeof value[name] === 'function') return value[name](...args);
    if (name === 'length' && typeof value === 'string') return value.length;
    if (typeof value === 'object' && !Array.isArray(value) && !DateTime.isDateTime(value) && name in objects) return objects[name].apply(value, args);
    const kinds = KINDS.filter(([, names]) => names.has(name)).map(([kind]) => `"${kind}"`);
    if (kinds.length > 3) throw new TypeError(`${name}() is not callable here`); // n8n is silent here
    const said = kinds.length > 1 ? `types ${kinds.slice(0, -1).join(', ')}, and ${kinds.at(-1)}` : `type ${kinds[0]}`;
    throw new ExpressionError(`${name}() is only callable on ${said}`);
  };

  // ---- dates ------------------------------------------------------------------------------------------------------------------
  const UNITS = {
    year: 'year', years: 'year', y: 'year', quarter: 'quarter', quarters: 'quarter', month: 'month', months: 'month', M: 'month',
    week: 'week', weeks: 'week', w: 'week', day: 'day', days: 'day', d: 'day', hour: 'hour', hours: 'hour', h: 'hour',
    minute: 'minute', minutes: 'minute', m: 'minute', second: 'second', seconds: 'second', s: 'second', sec: 'second', secs: 'second',
    millisecond: 'millisecond', milliseconds: 'millisecond', ms: 'millisecond', mins: 'minute', min: 'minute', hrs: 'hour', hr: 'hour',
    yr: 'year', yrs: 'year', mo: 'month', wk: 'week', wks: 'week',
  };
  const unitOf = (name) => UNITS[name] ?? name;
  const asDate = (value) => {
    if (DateTime.isDateTime(value)) return value;
    if (value instanceof Date) return DateTime.fromJSDate(value);
    if (typeof value === 'number') return DateTime.fromMillis(value);
    return parseDate(String(value));
  };
  // What n8n gives for a JavaScript date is one again.
  const like = (given, found) => (given instanceof Date ? found.toJSDate() : found);
  const duration = (amount, unit) => (typeof amount === 'object' ? amount : { [unitOf(unit) + 's']: amount });
  const EXTRACT = { week: 'weekNumber' };
  const difference = (from, to, units) => {
    const wanted = (Array.isArray(units) ? units : [units]).map((unit) => unitOf(unit) + 's');
    const found = to.diff(from, wanted);
    return Array.isArray(units) ? found.toObject() : found.as(wanted[0]);
  };
  const isDst = (date) => date.isInDST;
  const dates = {
    beginningOf(unit = 'week') { return like(this, asDate(this).startOf(unitOf(unit))); },
    endOfMonth() { return like(this, asDate(this).endOf('month')); },
    extract(part = 'week') { return part === 'yearDayNumber' ? asDate(this).ordinal - 1 : asDate(this).get(EXTRACT[part] ?? unitOf(part)); },
    format(pattern = 'yyyy-MM-dd', options) { return asDate(this).toFormat(pattern, options); },
    inBetween(from, to) { return dates.isBetween.call(this, from, to); },
    isBetween(from, to) {
      if (from === undefined || to === undefined) throw new ExpressionError('isBetween(): expected exactly two args');
      const [first, second] = [from, to].map((each) => (typeof each === 'string' ? DateTime.fromJSDate(new Date(each)) : asDate(each))).sort((a, b) => a - b);
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
    diffTo(other, units = 'days') { return difference(asDate(other), asDate(this), units); },
    diffToNow(units = 'days') { return difference(DateTime.now(), asDate(this), units); },
  };
  replace(DateTime.prototype, dates);
  const native = { plus: DateTime.prototype.plus, minus: DateTime.prototype.minus };
  replace(DateTime.prototype, {
    plus(amount, unit) { return native.plus.call(this, unit === undefined ? amount : duration(amount, unit)); },
    minus(amount, unit) { return native.minus.call(this, unit === undefined ? amount : duration(amount, unit)); },
  });
  const { diffTo: _unit, diffToNow: _now, ...both } = dates;
  add(Date.prototype, {
    ...both,
    plus(amount, unit) { return asDate(this).plus(amount, unit).toJSDate(); },
    minus(amount, unit) { return asDate(this).minus(amount, unit).toJSDate(); },
  });

  globalThis.__extensions = { names: KINDS.flatMap(([, names]) => [...names]), ExpressionError, isEmpty, same, utf8, fromUtf8, toBase64, fromBase64, asDate, Duration };
})();
