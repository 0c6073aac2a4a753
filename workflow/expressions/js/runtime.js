// What an expression or a code node sees, and how it is run. The host calls four functions: __define, __evaluate, __code, __pump.
// The data of a call arrive as one JSON text and leave as one; nothing else crosses.
(function () {
  'use strict';
  const { DateTime, Duration, Interval, Settings } = luxon;
  const { ExpressionError, isEmpty, names: extensions } = __extensions;
  const extended = new Set(extensions);
  const { rewrite, lacking, take } = __rewriting;
  delete globalThis.__rewriting;
  const buffers = __buffers;
  delete globalThis.__buffers;
  const programs = new Map();
  const parse = JSON.parse, stringify = JSON.stringify, now = Date.now;
  const indirectEval = eval;
  const { ownKeys, deleteProperty, isExtensible } = Reflect;

  let call = null;       // the data of the call under way
  let at = 0;            // index of the item under way
  let moment = null;     // what `$now` is for it
  let logs = [];

  // ---- what the names mean ----------------------------------------------------------------------------------------------------
  const NOTHING = Object.freeze({ json: Object.freeze({}) });
  const current = () => call.items[at] ?? NOTHING;
  const inputs = (branch) => (branch ? call.more?.[branch - 1] : call.items) ?? [];

  const outputsOf = (name) => {
    const node = call.nodes?.[name];
    if (!node) throw new ExpressionError(`Referenced node doesn't exist`);
    return node;
  };
  const executed = (name) => {
    const node = outputsOf(name);
    if (!node.runs) throw new ExpressionError(`Node '${name}' hasn't been executed`);
    return node;
  };
  const itemsOf = (name, branch, run) => {
    const node = executed(name);
    const number = run === undefined || run === null || run < 0 ? node.runs - 1 : run;
    const outputs = node.data[number];
    if (!outputs) throw new ExpressionError(`Run ${number} of node "${name}" not found`);
    if (branch >= outputs.length) throw new ExpressionError(`Node "${name}" has no branch with index ${branch}.`);
    return outputs[branch ?? node.output ?? 0] ?? [];
  };
  // A run before the first is no run, where a node is asked; to `$items` it is the last one.
  const ofRun = (name, branch, run) => (run < 0 ? (executed(name), undefined) : itemsOf(name, branch, run));
  // n8n says no more where a node does not lead here.
  const pairedWith = (name, index) => {
    const node = outputsOf(name);
    if (node.runs && index >= call.items.length) throw new ExpressionError('Can’t get data for expression');
    const found = node.pairs?.[index];
    if (found === undefined || found === null) throw new ExpressionError('Invalid expression');
    if (typeof found === 'string') throw new ExpressionError(found);
    return node.data[found[1]][found[0]][found[2]];
  };
  const atIndex = (name, index) => {
    const items = itemsOf(name);
    if (index < items.length) return items[index];
    throw new ExpressionError(`"${name}" node has ${items.length} item(s) but you're trying to access item ${index}`);
  };

  const nodeByName = (name) => ({
    get isExecuted() { return outputsOf(name).runs > 0; },
    get item() { return pairedWith(name, at); },
    itemMatching(index) {
      if (typeof index !== 'number') throw new ExpressionError('Missing item index for .itemMatching()');
      return pairedWith(name, index);
    },
    pairedItem(index) { return pairedWith(name, index ?? at); },
    all: (branch, run) => ofRun(name, branch, run),
    first: (branch, run) => ofRun(name, branch, run)?.[0],
    last: (branch, run) => ofRun(name, branch, run)?.at(-1),
    get context() { return outputsOf(name).context ?? {}; },
    get params() { return outputsOf(name).params ?? {}; },
    toJSON: () => ({}),
  });
  const sameIndex = (name) => atIndex(name, at);
  const olderNode = (name) => ({
    get json() { return sameIndex(name).json; },
    get binary() { return sameIndex(name).binary ?? {}; },
    get data() { return sameIndex(name).json; },
    get context() { return outputsOf(name).context ?? {}; },
    get parameter() { return outputsOf(name).params ?? {}; },
    get params() { return outputsOf(name).params ?? {}; },
    get runIndex() { return (outputsOf(name).runs ?? 0) - 1; },
    toJSON() { return { binary: this.binary, data: this.data, json: this.json }; },
  });
  // What the runtime itself asks of any value, and no name of a node.
  const ASKED = new Set(['isLuxonDateTime', 'toJSON']);
  const isName = (name) => typeof name === 'string' && !ASKED.has(name);
  const $node = new Proxy({}, { get: (_, name) => (isName(name) ? olderNode(name) : undefined), has: () => true });

  const whole = (name, branch) => {
    if (call.each) throw new Error(`Can't use .${name}() here`);
    return inputs(branch);
  };
  const $input = Object.freeze({
    all: (branch) => whole('all', branch),
    first: (branch) => whole('first', branch)[0],
    last: (branch) => whole('last', branch).at(-1),
    get item() { return call.items[at]; },
    get params() { return call.previousParams ?? {}; },
    get context() { return call.context ?? {}; },
    toJSON: () => ({}),
  });
  const $items = (name, branch, run) => (name === undefined ? call.items : itemsOf(name, branch, run));
  const $item = (index) => ({
    get $json() { return call.items[index]?.json; },
    get $binary() { return call.items[index]?.binary; },
    $node: new Proxy({}, { get: (_, name) => {
      const item = () => atIndex(String(name), index);
      return { get json() { return item().json; }, get binary() { return item().binary; } };
    } }),
  });
  const locked = (kind) => new Proxy({}, { get(_, name) {
    if (!isName(name)) return undefined;
    const values = call[kind];
    if (!values) throw new ExpressionError(`$${kind} is not open to workflows here`);
    return values[name];
  } });
  const $env = locked('env'), $secrets = locked('secrets');

  const $jmespath = (data, query) => {
    if (typeof data !== 'object' || typeof query !== 'string') throw new ExpressionError('expected two arguments (Object, string) for this function');
    try {
      return jmespath.search(data, query);
    } catch {
      return undefined; // as documented for a query that is not valid
    }
  };
  const $fromAI = (name, _description, _type = 'string', fallback) => {
    if (!name) throw new ExpressionError("Add a key, e.g. $fromAI('placeholder_name')");
    if (typeof name !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
      throw new ExpressionError('Invalid parameter key, must be between 1 and 64 characters long and only contain lowercase letters, uppercase letters, numbers, underscores, and hyphens');
    }
    const given = call.fromAI?.[name];
    return given === undefined ? fallback : given;
  };
  const numberList = (start, end) => {
    if (typeof start !== 'number' || typeof end !== 'number') throw new TypeError('numberList(): expected two numbers');
    if (!Number.isInteger(end - start)) throw new RangeError('numberList(): expected whole numbers');
    return Array.from({ length: Math.abs(end - start) + 1 }, (_, at) => start + (start < end ? at : -at));
  };
  const zip = (keys, values) => {
    if (!Array.isArray(keys) || !Array.isArray(values)) throw new ExpressionError('keys and values must be arrays');
    if (keys.length !== values.length) throw new ExpressionError('keys and values not of equal length');
    return Object.fromEntries(keys.map((key, at) => [key, values[at]]));
  };
  const plain = {
    $, $input, $items, $item, $node, $env, $secrets, $jmespath, $jmesPath: $jmespath, $fromAI, $fromAi: $fromAI, $fromai: $fromAI,
    DateTime, Duration, Interval, Settings,
    $if(condition, yes, no) {
      if (arguments.length < 2) throw new ExpressionError('invalid syntax');
      return condition ? yes : no;
    },
    $ifEmpty(value, other) {
      if (arguments.length < 2) throw new ExpressionError('expected two arguments (value, defaultValue) for this function');
      return isEmpty(value) || (value instanceof Date && Object.keys(value).length === 0) ? other : value;
    },
    $not: (value) => !value, not: (value) => !value,
    $min: (...list) => Math.min(...list), min: (...list) => Math.min(...list),
    $max: (...list) => Math.max(...list), max: (...list) => Math.max(...list),
    $average: (...list) => list.average(), average: (...list) => list.average(),
    numberList, zip,
    $evaluateExpression: (text, index) => seenFrom(typeof index === 'number' ? index : at, compile(text)),
  };
  function $(name) {
    outputsOf(name);
    return nodeByName(name);
  }
  const read = {
    $json: () => current().json,
    $data: () => current().json,
    $binary: () => current().binary ?? {},
    $itemIndex: () => at,
    $position: () => at,
    $thisItem: () => current(),
    $thisItemIndex: () => at,
    $runIndex: () => call.run ?? 0,
    $thisRunIndex: () => call.run ?? 0,
    $now: () => (moment ??= DateTime.now()),
    $today: () => (moment ??= DateTime.now()).startOf('day'),
    $workflow: () => call.workflow ?? {},
    $execution: () => execution(),
    $prevNode: () => call.previous ?? {},
    $vars: () => call.vars ?? {},
    $parameter: () => evaluated(call.params ?? {}),
    $rawParameter: () => call.params ?? {},
    $self: () => ({}),
    $nodeId: () => call.node?.id,
    $nodeVersion: () => call.node?.version,
    $webhookId: () => call.node?.webhookId,
    $agentInfo: () => call.agentInfo,
    $request: () => call.request,
    $response: () => call.response,
    $pageCount: () => call.pageCount,
    $tool: () => call.tool,
    $mode: () => call.mode,
    $executionId: () => call.execution?.id,
    $resumeWebhookUrl: () => call.execution?.resumeUrl,
  };
  // The parameters of the node under way, their expressions evaluated where they are read.
  const DEEPEST = 20;
  let depth = 0;
  const seenFrom = (index, read) => {
    const before = at;
    at = index;
    try {
      return read();
    } finally {
      at = before;
    }
  };
  const evaluated = (value) => {
    if (typeof value === 'string' && value.startsWith('=')) {
      if (depth >= DEEPEST) throw new ExpressionError('$parameter: the parameters refer to each other without end');
      depth += 1;
      try {
        return compile(value.slice(1))();
      } finally {
        depth -= 1;
      }
    }
    if (value === null || typeof value !== 'object') return value;
    const index = at; // it may be read when another item is under way
    return new Proxy(value, { get: (target, key) => seenFrom(index, () => evaluated(target[key])) });
  };
  const customData = {
    set(key, value) { call.customData = { ...call.customData, [key]: String(value) }; },
    setAll(all) { for (const [key, value] of Object.entries(all)) customData.set(key, value); },
    get: (key) => call.customData?.[key],
    getAll: () => ({ ...call.customData }),
  };
  const execution = () => Object.assign(Object.create({ customData }), call.execution);
  const staticData = (kind) => {
    const key = kind === 'node' ? `node:${call.node.name}` : kind === 'global' ? 'global' : null;
    if (key === null) throw new Error(`The type "${kind}" is not known to $getWorkflowStaticData: it takes "global" and "node"`);
    call.static ??= {};
    return (call.static[key] ??= {});
  };

  for (const [name, get] of Object.entries(read)) Object.defineProperty(globalThis, name, { get, set() {}, configurable: false });
  for (const [name, value] of Object.entries(plain)) Object.defineProperty(globalThis, name, { value, writable: false, configurable: false });

  // ---- expressions ------------------------------------------------------------------------------------------------------------
  // A name that nobody has is nothing to n8n, and no error: once it is met, it becomes a parameter that no one gives.
  const UNKNOWN = /^([\p{ID_Start}$_][\p{ID_Continue}$]*) is not defined$/u, MOST_UNKNOWN = 20;
  // What begins like a statement is none; of several statements n8n gives the first.
  const STATEMENT = /^\s*(?:async\s+)?(?:function|class)\b/;
  const compiled = (code) => {
    if (STATEMENT.test(code)) throw new SyntaxError('a statement');
    const whole = `return (${rewrite(code)}\n)`;
    try {
      return [new Function(whole), whole];
    } catch (error) {
      if (!code.includes(';')) throw error;
      const first = `return ${code.trimStart()}`;
      return [new Function(first), first];
    }
  };
  const asFunction = (code) => {
    const unknown = [];
    let [run, body] = compiled(code.replace(/[;\s]+$/, ''));
    return () => {
      for (;;) {
        try {
          return run();
        } catch (error) {
          const name = error instanceof ReferenceError && unknown.length < MOST_UNKNOWN && UNKNOWN.exec(error.message)?.[1];
          if (!name || unknown.includes(name)) throw error;
          unknown.push(name);
          run = new Function(...unknown, body);
        }
      }
    };
  };
  const unsaid = (value) => value === undefined || value === null || value !== value || (typeof value === 'function' && extended.has(value.name));
  const text = (value) => {
    if (unsaid(value)) return '';
    try {
      return `${value}`;
    } catch (error) {
      throw new ExpressionError(`Expression evaluation failed: ${error.message}`);
    }
  };

  // A text is split at {{ }}; what no }} ends goes on to the end. Where the first }} leaves code that does not parse, a later one is tried: `{{ {a:{b:1}} }}`.
  const split = (source) => {
    const parts = [];
    let from = 0, held = '';
    for (;;) {
      const open = source.indexOf('{{', from);
      if (open < 0) break;
      if (source[open - 1] === '\\') {
        held += source.slice(from, open) + '{{';
        from = open + 2;
        continue;
      }
      const [run, end] = chunk(source, open + 2);
      parts.push(held + source.slice(from, open), run);
      held = '';
      from = end;
    }
    parts.push(held + source.slice(from));
    return parts;
  };
  const endsOf = function* (source, start) {
    let close = source.indexOf('}}', start);
    if (close < 0) yield source.length;
    for (; close >= 0; close = source.indexOf('}}', close + 1)) yield close;
  };
  const chunk = (source, start) => {
    for (const close of endsOf(source, start)) {
      const code = source.slice(start, close);
      if (close === source.length && !code.trim()) return [() => undefined, close];
      try {
        return [asFunction(code), close + 2];
      } catch (error) {
        if (error instanceof ExpressionError) throw error;
      }
    }
    throw new ExpressionError('invalid syntax');
  };
  // n8n gives nothing, and no error, for whatever an expression throws, unless n8n itself threw it.
  const quiet = (error) => !(error instanceof ExpressionError);
  const tame = (run) => () => {
    try {
      return run();
    } catch (error) {
      if (quiet(error)) return undefined;
      throw error;
    }
  };
  // In a text that is JSON itself: a text stands as it is, since its quotes may be around the braces.
  const jsonText = (value) => (typeof value === 'string' ? value : stringify(value) ?? 'undefined');
  const AS_JSON = '\0';
  const compile = (given) => {
    const [source, written] = given[0] === AS_JSON ? [given.slice(1), jsonText] : [given, text];
    let parts;
    try {
      parts = split(source);
    } catch (error) {
      return () => { throw error; };
    }
    if (parts.length === 1) return () => parts[0];
    if (parts.length === 3 && parts[0] === '' && parts[2] === '') return tame(parts[1]);
    const pieces = parts.map((part) => (typeof part === 'string' ? () => part : tame(part)));
    return () => pieces.map((piece) => written(piece())).join('');
  };

  // What else of luxon's settings one evaluation may change, and the next one is not to find.
  const SETTINGS = Object.freeze(Object.fromEntries(['now', 'defaultLocale', 'defaultNumberingSystem', 'defaultOutputCalendar',
    'defaultWeekSettings', 'twoDigitCutoffYear', 'throwOnInvalid'].map((name) => [name, Settings[name]])));
  const begin = (given) => {
    call = typeof given === 'string' ? parse(given) : given;
    buffers.begin();
    at = 0;
    moment = null;
    logs = [];
    timers = [];
    if (Settings.defaultZone.name !== call.zone) Settings.defaultZone = call.zone ?? 'UTC';
    Object.assign(Settings, SETTINGS);
  };
  const messageOf = (error) => (error instanceof Error ? error.message : typeof error === 'string' ? stringify(error) : text(error));

  Object.defineProperty(BigInt.prototype, 'toJSON', { value() { return String(this); }, writable: false, configurable: false });
  const HELD = new Set(['Promise', 'WeakMap', 'WeakSet', 'WeakRef']), LIVE = /Iterator$|^Generator$|^Promise$|^Weak/;
  const handed = (value) => {
    if (typeof value === 'bigint' || DateTime.isDateTime(value)) return String(value);
    if (typeof value === 'function' && extended.has(value.name)) return undefined; // to n8n they are calls, and no fields
    const tag = value?.[Symbol.toStringTag];
    if (typeof value === 'function' || LIVE.test(tag)) {
      const shown = HELD.has(tag) ? `#<${tag}>` : value;
      throw new ExpressionError(`Expression evaluation failed: ${shown} could not be cloned.`);
    }
    if (typeof value === 'symbol') throw new ExpressionError('Expression evaluation failed: Unsupported type');
    return value;
  };
  const evaluate = (given) => {
    begin(given);
    const program = programs.get(call.program);
    const rows = [], errors = [], missing = [];
    for (const index of call.at) {
      at = index;
      moment = null;
      const row = new Array(program.length);
      for (let leaf = 0; leaf < program.length; leaf++) {
        try {
          const value = program[leaf]();
          if (value === undefined) missing.push([rows.length, leaf]);
          row[leaf] = handed(value);
        } catch (error) {
          row[leaf] = null;
          errors.push([rows.length, leaf, messageOf(error)]);
        }
      }
      rows.push(row);
    }
    return written({ rows, errors, missing, later: program.promises, spoilt: program.leaves ? tidy() : undefined });
  };
  // A value that JSON cannot hold fails alone, and not all values with it.
  const written = (found) => {
    try {
      return stringify(found);
    } catch {
      found.rows.forEach((row, place) => row.forEach((value, leaf) => {
        try {
          stringify(value);
        } catch (error) {
          row[leaf] = null;
          const said = messageOf(error);
          found.errors.push([place, leaf, error instanceof ExpressionError ? said : `The value cannot be written as JSON: ${said}`]);
        }
      }));
      return stringify(found);
    }
  };

  // ---- code -------------------------------------------------------------------------------------------------------------------
  const LOG_LINES = 200, LOG_LETTERS = 2000;
  const shown = (value) => {
    if (typeof value === 'string') return value;
    try {
      return stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const log = (...list) => { if (logs.length < LOG_LINES) logs.push(list.map(shown).join(' ').slice(0, LOG_LETTERS)); };
  const console = Object.freeze({ log, info: log, warn: log, error: log, debug: log, trace: log, dir: log, table: log });
  Object.defineProperty(globalThis, 'console', { value: console, writable: false, configurable: false });

  let timers = [];
  let timerNumber = 0;
  const timer = (repeat) => (run, delay = 0, ...rest) => {
    timers.push({ number: ++timerNumber, due: now() + (Number(delay) || 0), repeat: repeat ? Math.max(1, Number(delay) || 1) : 0, run: () => run(...rest) });
    return timerNumber;
  };
  const clear = (number) => { timers = timers.filter((each) => each.number !== number); };
  const globals = {
    setTimeout: timer(false), setInterval: timer(true), setImmediate: (run, ...rest) => timer(false)(run, 0, ...rest),
    clearTimeout: clear, clearInterval: clear, clearImmediate: clear,
    queueMicrotask: (run) => { Promise.resolve().then(run); },
    structuredClone: (value) => parse(stringify(value)),
    atob: (value) => String.fromCharCode(...__extensions.fromBase64(String(value))),
    btoa: (value) => __extensions.toBase64(Array.from(String(value), (letter) => letter.charCodeAt(0) & 255)),
    $getWorkflowStaticData: staticData, getWorkflowStaticData: staticData,
  };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, writable: false, configurable: false });

  class ShapeError extends Error {
    constructor(message, description, index) {
      super(index === undefined ? message : `${message} [item ${index}]`);
      this.description = description;
      this.index = index;
      this.shape = true;
    }
  }
  const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
  const ITEM_KEYS = new Set(['json', 'binary', 'pairedItem', 'error', 'index']);
  const hasItemKey = (value) => Object.keys(value).some((key) => key === 'json' || key === 'binary' || key === 'pairedItem' || key === 'error');
  const checkItem = (item, index) => {
    for (const key of Object.keys(item)) {
      if (ITEM_KEYS.has(key)) continue;
      const unknown = `Unknown top-level item key: ${key}`;
      throw new ShapeError('json' in item ? 'Invalid output format' : unknown, `${unknown}. Access the properties of an item under \`.json\`, e.g. \`item.json\``, index);
    }
    if (item.json !== undefined && !isObject(item.json)) {
      throw new ShapeError("A 'json' property isn't an object", "In the returned data, every key named 'json' must point to an object.", index);
    }
    if (item.binary !== undefined && item.binary !== null && !isObject(item.binary)) {
      throw new ShapeError("A 'binary' property isn't an object", "In the returned data, every key named 'binary' must point to an object.", index);
    }
  };
  const asItem = (value) => {
    if (!hasItemKey(value)) return { json: value };
    const item = { json: value.json ?? {} };
    if (value.binary) item.binary = value.binary;
    if (value.pairedItem !== undefined) item.pairedItem = value.pairedItem;
    if (value.error) item.error = value.error;
    return item;
  };
  const ALL_HELP = 'Please return an array of objects, one for each item you want to output.';
  const shapeAll = (result) => {
    if (result === null) return [];
    if (typeof result !== 'object') throw new ShapeError("Code doesn't return items properly", ALL_HELP);
    if (!Array.isArray(result)) {
      if (hasItemKey(result)) checkItem(result, 0);
      return [asItem(result)];
    }
    if (!result.every(isObject)) throw new ShapeError("Code doesn't return items properly", ALL_HELP);
    if (result.some(hasItemKey)) result.forEach(checkItem);
    return result.map(asItem);
  };
  const shapeEach = (result, index) => {
    if (result === null) return null;
    if (result === undefined) throw new ShapeError("Code doesn't return an object", 'Please return an object representing the output item. (Nothing was returned.)', index);
    const item = isObject(result) ? asItem(result) : { json: result };
    checkItem(item, index);
    return { ...item, pairedItem: { item: index } };
  };
  const shapeFunction = (result) => {
    if (result === undefined || result === null) throw new Error('No data got returned. Always return an Array of items!');
    const items = Array.isArray(result) ? result : [result];
    for (const item of items) {
      if (!isObject(item)) throw new Error('The returned data does not contain objects: each item has to be one');
      if (item.json !== undefined && !isObject(item.json)) throw new Error('The json-property has to be an object!');
    }
    return items.map(asItem);
  };
  const shapeFunctionItem = (result, index) => {
    if (result === undefined || result === null) throw new ShapeError('No data got returned. Always an object has to be returned!');
    if (!isObject(result)) throw new ShapeError('The returned data is no object');
    return { json: result, pairedItem: { item: index } };
  };

  const lineOf = (error) => {
    const found = /code\.js:(\d+)/.exec(error?.stack ?? '');
    return found ? Number(found[1]) - 1 : undefined;
  };
  const describe = (error, style, index) => {
    const line = error instanceof ShapeError ? undefined : lineOf(error);
    let message = messageOf(error) || 'Unknown error';
    if (style.startsWith('function') && call?.continues) return { message };
    if (line > 0 && style.startsWith('function')) message += index === undefined ? ` [Line ${line}]` : ` [Line ${line} | Item Index: ${index}]`;
    else if (line > 0) message += ` [line ${line}]`;
    return { message, line, item: error?.index ?? index, description: error?.description, shape: error instanceof ShapeError };
  };
  const define = (given) => {
    const { id, sources, code } = typeof given === 'string' ? parse(given) : given;
    const lacks = lacking(sources ?? [code.source]);
    if (lacks) return lacks;
    programs.set(id, code === undefined ? defineSources(sources) : defineCode(code));
    return '';
  };
  // What may leave something behind is looked after, and nothing else: it takes longer than most expressions.
  const LEAVES = /(?<![=!<>])=(?![=>])|\+\+|--|globalThis|self|this|eval|Function|constructor|Reflect|=>/, PROMISES = /Promise|async|then/;
  const defineSources = (sources) => {
    const mention = (what) => sources.some((source) => what.test(source)) || undefined;
    return Object.assign(sources.map(compile), { leaves: mention(LEAVES), promises: mention(PROMISES) });
  };
  const undefine = (id) => {
    programs.delete(id);
    return '';
  };
  // Code without `await` is a plain function: 10,000 items then need no promise.
  const defineCode = ({ source, style }) => {
    const names = { all: 'items', each: 'item', function: 'items', functionItem: 'item' }[style];
    const kind = /\bawait\b/.test(source) ? 'async function' : 'function';
    try {
      return { style, run: indirectEval(`(${kind}(${names}){\n${source}\n})\n//# sourceURL=code.js`) };
    } catch (error) {
      return { style, failed: describe(error, style) };
    }
  };

  const baseline = new Set();
  let outcome = null;
  const isPromise = (value) => value !== null && typeof value === 'object' && typeof value.then === 'function';
  // What n8n documents of `this.helpers`; requests are for the HTTP Request node, which survives a crash.
  const helpers = Object.freeze({
    getBinaryDataBuffer: async (index, name) => {
      const found = call.items[index]?.binary?.[name];
      if (!found) throw new Error(`Item ${index} has no binary field '${name}'`);
      return Buffer.from(found.data, 'base64');
    },
    prepareBinaryData: async (content, fileName = 'file', mimeType = 'application/octet-stream') => (
      { data: Buffer.from(content).toString('base64'), mimeType, fileName, fileSize: `${content.length} B` }),
    httpRequest: async () => { throw new Error('Code makes no requests here. Use an HTTP Request node before this one.'); },
  });
  const runAll = async (program) => {
    const list = program.style === 'all' ? call.items : call.items;
    let result = program.run.call({ helpers }, list);
    if (isPromise(result)) result = await result;
    return program.style === 'all' ? shapeAll(result) : shapeFunction(result);
  };
  const runEach = async (program) => {
    const made = [];
    const shape = program.style === 'each' ? shapeEach : shapeFunctionItem;
    for (let index = 0; index < call.items.length; index++) {
      at = index;
      moment = null;
      const item = call.items[index];
      try {
        let result = program.run.call({ helpers }, program.style === 'each' ? item : item.json);
        if (isPromise(result)) result = await result;
        const shaped = shape(result, index);
        if (shaped !== null) made.push(shaped);
      } catch (error) {
        const told = describe(error, program.style, index);
        if (!call.continues || (told.shape && program.style === 'each')) throw Object.assign(new Error(''), { told });
        // of a Function Item nobody knows which item it was until the items are counted
        made.push({ json: { error: told.message }, ...(program.style === 'each' ? { pairedItem: { item: index } } : {}) });
      }
    }
    return made;
  };
  const code = (given) => {
    begin(given);
    const program = programs.get(call.program);
    call.each = program.style === 'each';
    if (program.failed) return stringify({ error: program.failed, logs });
    outcome = null;
    const before = stringify(call.static ?? {});
    const each = program.style === 'each' || program.style === 'functionItem';
    (each ? runEach(program) : runAll(program)).then(
      (items) => { outcome = { items, static: stringify(call.static ?? {}) === before ? undefined : call.static, custom: call.customData }; },
      (error) => { outcome = { error: error?.told ?? describe(error, program.style) }; },
    );
    return '';
  };
  // The host asks until there is an outcome; between, timers that are due run. Microtasks run when a call of the host ends.
  const pump = () => {
    if (outcome !== null) {
      const found = stringify({ ...outcome, logs, spoilt: tidy() });
      outcome = null;
      return found;
    }
    if (timers.length === 0) {
      const message = 'The code waits for something that never happens';
      return stringify({ error: { message }, logs, spoilt: tidy() });
    }
    timers.sort((a, b) => a.due - b.due);
    const next = timers[0];
    const left = next.due - now();
    if (left > 0) return stringify({ wait: left });
    if (next.repeat) next.due = now() + next.repeat; else timers.shift();
    try {
      next.run();
    } catch (error) {
      outcome = { error: describe(error, 'all') };
    }
    return stringify({ wait: 0 });
  };
  // Whether something is left that cannot be taken away; or nothing to say.
  const tidy = () => {
    timers = [];
    const left = ownKeys(globalThis).filter((name) => !baseline.has(name));
    return left.some((name) => !deleteProperty(globalThis, name)) || !isExtensible(globalThis) || undefined;
  };

  const library = (given) => {
    const { name, argument } = typeof given === 'string' ? parse(given) : given;
    try {
      return stringify({ value: globalThis[name](argument) });
    } catch (error) {
      return stringify({ error: messageOf(error) });
    }
  };

  // ---- nothing of this may be changed by what runs in it ------------------------------------------------------------------------
  let argument = '';
  Object.defineProperty(globalThis, '__argument', { set(value) { argument = value; }, get: () => undefined, configurable: false });
  const hidden = {
    __define: define, __undefine: undefine, __evaluate: evaluate, __code: code, __pump: pump, __library: library, __take: take,
    __takeArgument: () => { const taken = argument; argument = ''; return taken; },
    __seal: (bytes) => {
      buffers.bound(bytes);
      for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics']) delete globalThis[name];
      for (const prototype of [Object.prototype, Function.prototype, Error.prototype, TypeError.prototype, RangeError.prototype,
        SyntaxError.prototype, ReferenceError.prototype, Date.prototype]) overridable(prototype);
      const seen = new Set();
      const names = Object.getOwnPropertyNames(globalThis).filter((name) => name !== 'globalThis');
      for (const name of names) {
        const { value } = Object.getOwnPropertyDescriptor(globalThis, name);
        if (value === undefined || value === null || value === globalThis) continue;
        if (typeof value === 'function' || typeof value === 'object') freeze(value, seen);
      }
      for (const instance of [function* () {}, async function () {}, async function* () {}]) freeze(Object.getPrototypeOf(instance), seen);
      freeze(Object.getPrototypeOf([][Symbol.iterator]()), seen);
      for (const name of names) {
        const found = Object.getOwnPropertyDescriptor(globalThis, name);
        if ('value' in found && found.configurable) Object.defineProperty(globalThis, name, { writable: false, configurable: false });
      }
      for (const name of ownKeys(globalThis)) baseline.add(name);
      return '';
    },
  };
  for (const [name, value] of Object.entries(hidden)) Object.defineProperty(globalThis, name, { value, writable: false, configurable: false });
  const freeze = (value, seen) => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) return;
    if (value === globalThis) return;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const found = Object.getOwnPropertyDescriptor(value, key);
      if (found && 'value' in found) freeze(found.value, seen);
    }
    Object.freeze(value);
  };
  // A frozen method on a prototype would also forbid an object of its own with that name; a pair of accessors allows it.
  const overridable = (prototype) => {
    for (const key of Object.getOwnPropertyNames(prototype)) {
      const found = Object.getOwnPropertyDescriptor(prototype, key);
      if (!('value' in found) || !found.configurable || key === '__proto__') continue;
      const { value, enumerable } = found;
      Object.defineProperty(prototype, key, {
        get: () => value,
        set(own) {
          if (this === prototype) return;
          Object.defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true });
        },
        enumerable, configurable: false,
      });
    }
  };
})();
