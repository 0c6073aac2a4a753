// V8 bounds the heap of an isolate, but what typed arrays and array buffers hold lies outside of it. So what an evaluation takes of that
// is counted, and what goes over the bound ends like a heap that is full: the isolate is stopped, and nothing in it can catch that.
(function () {
  'use strict';
  const { construct, apply } = Reflect;
  const RawBuffer = ArrayBuffer, RawArray = Array, typedArray = Object.getPrototypeOf(Int8Array);
  const TYPED = ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float16Array',
    'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'];
  const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
  const bytesOfTyped = getter(typedArray.prototype, 'byteLength'), bytesOfBuffer = getter(RawBuffer.prototype, 'byteLength');
  let most = Infinity, taken = 0;

  const fillTheHeap = () => {
    const all = [];
    for (;;) all[all.length] = new RawArray(100000).fill(1.5);
  };
  const take = (bytes) => {
    if (!(bytes > 0)) return;  // NaN and what is negative are the constructor's to refuse
    taken += bytes;
    if (taken > most) fillTheHeap();
  };
  const isBuffer = (value) => {
    try {
      apply(bytesOfBuffer, value, []);
      return true;
    } catch {
      return false;
    }
  };
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

  // A prototype's `constructor` is replaced too: copies that methods make are made by it, and so are counted.
  const replace = (name, trap) => {
    const raw = globalThis[name];
    const counted = new Proxy(raw, { construct: (target, given, as) => trap(target, given, as) });
    Object.defineProperty(raw.prototype, 'constructor', { value: counted, writable: true, configurable: true });
    Object.defineProperty(globalThis, name, { value: counted, writable: true, configurable: true });
  };
  replace('ArrayBuffer', (target, [length, options], as) => {
    const bytes = +length || 0;
    const limit = isObject(options) ? options.maxByteLength : undefined;
    const largest = limit === undefined ? undefined : +limit;
    take(largest > bytes ? largest : bytes);  // so that a resize, which stays below it, need not be counted
    return construct(target, [bytes, largest === undefined ? undefined : { maxByteLength: largest }], as);
  });
  for (const name of TYPED) {
    if (!(name in globalThis)) continue;
    const width = globalThis[name].BYTES_PER_ELEMENT;
    replace(name, (target, given, as) => {
      const first = given[0];
      if (!isObject(first)) {
        const length = typeof first === 'bigint' || typeof first === 'symbol' ? first : +first || 0;
        if (typeof length === 'number') take(length * width);
        return construct(target, given.length ? [length] : [], as);
      }
      if (isBuffer(first)) return construct(target, given, as);  // a view
      const before = +first.length * width || 0;
      take(before);
      const made = construct(target, given, as);
      take(apply(bytesOfTyped, made, []) - before);  // an iterator has no length until it has ended
      return made;
    });
  }

  // These make copies without asking any constructor.
  const count = (holder, name, bytesOf) => {
    const raw = holder[name];
    if (raw === undefined) return;
    const { [name]: counted } = { [name](...given) {
      take(bytesOf(this, given));
      return apply(raw, this, given);
    } };
    Object.defineProperty(holder, name, { value: counted, writable: true, configurable: true });
  };
  const ownBytes = (array) => apply(bytesOfTyped, array, []);
  for (const name of ['toReversed', 'toSorted', 'with']) count(typedArray.prototype, name, ownBytes);
  for (const name of ['transfer', 'transferToFixedLength']) {
    count(RawBuffer.prototype, name, (buffer, given) => {
      if (given[0] !== undefined) given[0] = +given[0] || 0;
      return given[0];
    });
  }
  for (const name of ['fromBase64', 'fromHex']) count(Uint8Array, name, (_type, [text]) => (typeof text === 'string' ? text.length : 0));

  Object.defineProperty(globalThis, '__buffers', {
    value: { bound: (bytes) => { most = bytes; return ''; }, begin: () => { taken = 0; } }, configurable: true,
  });
})();
