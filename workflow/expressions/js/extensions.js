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

  const add = (prototype, methods) => {
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
  const URL_TEXT = /(?:https?|ftp|file):\/\/[^\s<>"']+/;
  const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:[^@/?#]*@)?(\[[^\]]+\]|[^:/?#\s]+)(?::(\d+))?(\/[^?#\s]*)?(\?[^#\s]*)?(#\S*)?$/i;
  const DOMAIN = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+\p{L}{2,63}$/u;

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
  const parseDate = (text, format, zone) => {
    if (format) return DateTime.fromFormat(text, format, zone ? { zone } : {});
    if (/^-?\d{9,}$/.test(text.trim())) return DateTime.fromMillis(Number(text));
    for (const read of [DateTime.fromISO, DateTime.fromRFC2822, DateTime.fromHTTP, DateTime.fromSQL]) {
      const found = read.call(DateTime, text.trim(), { setZone: false });
      if (found.isValid) return found;
    }
    return DateTime.fromJSDate(new Date(text));
  };
  const SMALL_WORDS = new Set(('a an and as at because but by en for if in neither nor of on only or over per so some than that the to ' +
    'up upon v versus via vs when with without yet').split(' '));
  const words = (text) => text.replace(/[^\p{L}\p{N}]+/gu, ' ').replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2').trim().split(/\s+/).filter(Boolean);

  add(String.prototype, {
    base64Encode() { return toBase64(utf8(String(this))); },
    base64Decode() { return fromUtf8(fromBase64(String(this))); },
    extractDomain() {
      const text = String(this);
      const email = text.match(EMAIL);
      if (email && !URL_TEXT.test(text)) return email[0].split('@')[1];
      const found = text.match(/(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/?#\s]*@)?((?:[\p{L}\p{N}-]+\.)+[\p{L}\p{N}-]+|localhost)/iu);
      return found ? found[1] : undefined;
    },
    extractEmail() { return (String(this).match(EMAIL) || [])[0]; },
    extractUrl() { return (String(this).match(URL_TEXT) || [])[0]; },
    extractUrlPath() {
      const parts = String(this).match(URL_PARTS);
      return parts ? parts[4] || '/' : undefined;
    },
    hash(algorithm = 'md5') {
      return algorithm === 'base64' ? toBase64(utf8(String(this))) : __hashes.hash(utf8(String(this)), algorithm);
    },
    isDomain() { return DOMAIN.test(String(this)); },
    isEmail() {
      const found = String(this).match(EMAIL);
      return found !== null && found[0] === String(this);
    },
    isUrl() {
      const text = String(this);
      return URL_PARTS.test(text) || /^(mailto|tel|data):\S+$/i.test(text);
    },
    isNumeric() {
      const text = String(this);
      return text.trim() !== '' && !/\s/.test(text) && !Number.isNaN(Number(text)) && Number.isFinite(Number(text));
    },
    isEmpty() { return this.length === 0; },
    isNotEmpty() { return this.length > 0; },
    parseJson() {
      try {
        return JSON.parse(String(this));
      } catch {
        return undefined;
      }
    },
    quote(mark = '"') {
      return mark + String(this).replace(/\\/g, '\\\\').replace(new RegExp(`\\${mark}`, 'g'), `\\${mark}`) + mark;
    },
    removeMarkdown() {
      return String(this)
        .replace(/<\/?[a-zA-Z][^>]*>/g, '')
        .replace(/^\s*(?:[-*_]\s*){3,}$/gm, '')
        .replace(/```[^\n]*\n?([\s\S]*?)```/g, '$1')
        .replace(/^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$/gm, '$1')
        .replace(/^\s{0,3}>\s?/gm, '')
        .replace(/^(\s*)(?:[-*+]|\d+\.)\s+/gm, '$1')
        .replace(/!\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
        .replace(/(\*\*|__)(?=\S)([\s\S]*?\S)\1/g, '$2')
        .replace(/(\*|_)(?=\S)([\s\S]*?\S)\1/g, '$2')
        .replace(/~~(.*?)~~/g, '$1')
        .replace(/`([^`]+)`/g, '$1');
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
      if (format in stamps) return DateTime.fromMillis(Number(text) * stamps[format]);
      const date = parseDate(text, format);
      if (!date.isValid) throw new ExpressionError(`Invalid date: could not read "${text}" as a date`);
      return date;
    },
    toDate() { return new Date(String(this)); },
    toInt(radix) { return parseInt(String(this).replace(/,/g, ''), radix ?? 10); },
    toWholeNumber(radix) { return parseInt(String(this).replace(/,/g, ''), radix ?? 10); },
    toFloat() { return parseFloat(String(this).replace(/,/g, '')); },
    toDecimalNumber() { return parseFloat(String(this).replace(/,/g, '')); },
    toNumber() {
      const value = Number(String(this).replace(/,/g, ''));
      if (Number.isNaN(value)) throw new ExpressionError('Error converting to number');
      return value;
    },
    toJsonString() { return JSON.stringify(String(this)); },
    toSentenceCase() {
      return String(this).toLowerCase().replace(/(^\s*|[.!?]\s+)(\p{L})/gu, (_, before, letter) => before + letter.toUpperCase());
    },
    toSnakeCase() { return String(this).toLowerCase().replace(/[\s-]/g, '_').replace(/[^\p{L}\p{N}_]/gu, ''); },
    toTitleCase() {
      const text = String(this).toLowerCase();
      return text.replace(/\p{L}[\p{L}\p{N}'’]*/gu, (word, at) => (
        SMALL_WORDS.has(word) && at > 0 && at + word.length < text.length ? word : word[0].toUpperCase() + word.slice(1)));
    },
    toCamelCase() {
      const [first = '', ...rest] = words(String(this)).map((word) => word.toLowerCase());
      return first + rest.map((word) => word[0].toUpperCase() + word.slice(1)).join('');
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
    round(places = 0) {
      const value = Number(this);
      return Number.isInteger(value) ? value : Number((Math.round(Number(`${value}e${places}`)) + `e${-places}`));
    },
    format(locale = 'en-US', options = {}) {
      return typeof locale === 'object' ? Number(this).toLocaleString('en-US', locale) : Number(this).toLocaleString(locale, options);
    },
    isEven() { whole(this, 'isEven'); return this % 2 === 0; },
    isOdd() { whole(this, 'isOdd'); return Math.abs(this % 2) === 1; },
    isInteger() { return Number.isInteger(Number(this)); },
    isEmpty() { return false; },
    isNotEmpty() { return true; },
    toBoolean() { return Number(this) !== 0; },
    toNumber() { return Number(this); },
    toInt() { return Math.trunc(this); },
    toFloat() { return Number(this); },
    toJsonString() { return JSON.stringify(Number(this)); },
    toDateTime(format = 'ms') {
      const value = Number(this);
      const read = { ms: () => value, s: () => value * 1000, us: () => value / 1000, excel: () => (value - EXCEL_EPOCH_DAYS) * 86400000 }[format];
      if (!read) throw new ExpressionError(`Unsupported format '${format}'. Use 'ms', 's', 'us' or 'excel'`);
      return DateTime.fromMillis(read());
    },
  });
  const whole = (value, name) => {
    if (!Number.isInteger(Number(value))) throw new ExpressionError(`${name}() is only callable on integers`);
  };
  add(Boolean.prototype, {
    isEmpty() { return false; },
    isNotEmpty() { return true; },
    toBoolean() { return this.valueOf(); },
    toInt() { return this.valueOf() ? 1 : 0; },
    toNumber() { return this.valueOf() ? 1 : 0; },
    toJsonString() { return JSON.stringify(this.valueOf()); },
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
  const numbers = (list, name) => list.map((value) => {
    const number = typeof value === 'string' ? parseFloat(value) : value;
    if (typeof number !== 'number' || Number.isNaN(number)) throw new ExpressionError(`${name}(): the list holds something that is no number`);
    return number;
  });
  add(Array.prototype, {
    append(...values) { return [...this, ...values]; },
    average() { return this.length ? numbers(this, 'average').reduce((a, b) => a + b, 0) / this.length : 0; },
    sum() { return numbers(this, 'sum').reduce((a, b) => a + b, 0); },
    max() { return this.length ? Math.max(...numbers(this, 'max')) : undefined; },
    min() { return this.length ? Math.min(...numbers(this, 'min')) : undefined; },
    chunk(size) {
      if (typeof size !== 'number' || size <= 0) throw new ExpressionError('chunk(): expected a positive number, e.g. .chunk(5)');
      const chunks = [];
      for (let at = 0; at < this.length; at += size) chunks.push(this.slice(at, at + size));
      return chunks;
    },
    compact() {
      return this.filter((value) => value !== null && value !== undefined && value !== 'nil' && !isEmpty(value))
        .map((value) => (isObject(value) && !DateTime.isDateTime(value) ? compact(value) : value));
    },
    difference(other = []) { return unique(this.filter((value) => !other.some((each) => same(value, each))), []); },
    intersection(other = []) { return unique(this.filter((value) => other.some((each) => same(value, each))), []); },
    union(other = []) { return unique([...this, ...other], []); },
    first() { return this[0]; },
    last() { return this[this.length - 1]; },
    isEmpty() { return this.length === 0; },
    isNotEmpty() { return this.length > 0; },
    merge(other) {
      const lists = other === undefined ? [this] : [this, other];
      return Object.assign({}, ...lists.flat().reverse());
    },
    pluck(...fields) {
      return this.map((item) => {
        if (!fields.length) return item;
        if (!isObject(item)) return undefined;
        const values = fields.map((field) => item[field]).filter((value) => value !== undefined);
        return fields.length === 1 ? values[0] : values;
      }).filter((value) => !fields.length || (value !== undefined && !(Array.isArray(value) && fields.length > 1 && !value.length)));
    },
    randomItem() { return this[Math.floor(Math.random() * this.length)]; },
    removeDuplicates(...fields) { return unique(this, named(fields)); },
    unique(...fields) { return unique(this, named(fields)); },
    renameKeys(...pairs) {
      if (pairs.length === 0 || pairs.length % 2) throw new ExpressionError('renameKeys(): expected pairs of names, e.g. .renameKeys("from1", "to1")');
      const renamed = new Map();
      for (let at = 0; at < pairs.length; at += 2) renamed.set(pairs[at], pairs[at + 1]);
      return this.map((item) => (isObject(item)
        ? Object.fromEntries(Object.entries(item).map(([key, value]) => [renamed.get(key) ?? key, value])) : item));
    },
    smartJoin(key, value) {
      if (!key || !value) throw new ExpressionError('smartJoin(): expected two names, e.g. .smartJoin("name", "value")');
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
    removeFieldsContaining(text) { return Object.fromEntries(Object.entries(this).filter(([, value]) => !holds(value, text))); },
    keepFieldsContaining(text) {
      if (typeof text !== 'string' || text === '') throw new ExpressionError('keepFieldsContaining(): expected a text, e.g. .keepFieldsContaining("Nathan")');
      return Object.fromEntries(Object.entries(this).filter(([, value]) => holds(value, text)));
    },
    compact() { return compact(this); },
    keys() { return Object.keys(this); },
    values() { return Object.values(this); },
    merge(other = {}) { return { ...other, ...this }; },
    toJsonString() { return JSON.stringify(this); },
    urlEncode() {
      return Object.entries(this).map(([key, value]) => {
        const text = value === null || value === undefined ? String(value) : typeof value === 'object' ? JSON.stringify(value) : String(value);
        return [key, text].map((part) => encodeURIComponent(part).replace(/%20/g, '+')).join('=');
      }).join('&');
    },
  };
  const NOTHING = { isEmpty: () => true, isNotEmpty: () => false };
  // `value.name(...args)`: the value's own method, or n8n's function for objects and for what is not there.
  globalThis.__extend = (value, name, args, optional) => {
    if (value === null || value === undefined) {
      if (optional) return undefined;
      if (name in NOTHING) return NOTHING[name]();
      throw new TypeError(`Cannot read properties of ${value} (reading '${name}')`);
    }
    if (typeof value[name] === 'function') return value[name](...args);
    if (typeof value !== 'object') throw new TypeError(`.${name} is not a function`);
    return objects[name].apply(value, args);
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
    const date = parseDate(String(value));
    if (!date.isValid) throw new ExpressionError(`Invalid date: could not read "${value}" as a date`);
    return date;
  };
  const duration = (amount, unit) => (typeof amount === 'object' ? amount : { [unitOf(unit) + 's']: amount });
  const EXTRACT = { week: 'weekNumber', dayOfYear: 'ordinal', quarter: 'quarter' };
  const difference = (from, to, units) => {
    const wanted = (Array.isArray(units) ? units : [units]).map((unit) => unitOf(unit) + 's');
    const found = to.diff(from, wanted);
    return Array.isArray(units) ? found.toObject() : found.as(wanted[0]);
  };
  const isDst = (date) => date.isInDST;
  const dates = {
    beginningOf(unit = 'week') { return asDate(this).startOf(unitOf(unit)); },
    endOfMonth() { return asDate(this).endOf('month'); },
    extract(part = 'week') { return asDate(this).get(EXTRACT[part] ?? unitOf(part)); },
    format(pattern = 'yyyy-MM-dd', options) { return asDate(this).toFormat(pattern, options); },
    inBetween(from, to) { return dates.isBetween.call(this, from, to); },
    isBetween(from, to) {
      if (from === undefined || to === undefined) throw new ExpressionError('isBetween(): expected two dates');
      const [first, second] = [asDate(from), asDate(to)].sort((a, b) => a - b);
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
    toNumber() { return asDate(this).toMillis(); },
    toBoolean() { return true; },
    toJsonString() { return JSON.stringify(asDate(this)); },
    diffTo(other, units = 'days') { return difference(asDate(this), asDate(other), units); },
    diffToNow(units = 'days') { return difference(DateTime.now(), asDate(this), units); },
  };
  replace(DateTime.prototype, dates);
  const native = { plus: DateTime.prototype.plus, minus: DateTime.prototype.minus };
  replace(DateTime.prototype, {
    plus(amount, unit) { return native.plus.call(this, unit === undefined ? amount : duration(amount, unit)); },
    minus(amount, unit) { return native.minus.call(this, unit === undefined ? amount : duration(amount, unit)); },
  });
  add(Date.prototype, {
    ...dates,
    plus(amount, unit) { return asDate(this).plus(amount, unit); },
    minus(amount, unit) { return asDate(this).minus(amount, unit); },
  });

  globalThis.__extensions = { names: Object.keys(objects), ExpressionError, isEmpty, same, utf8, fromUtf8, toBase64, fromBase64, asDate, Duration };
})();
