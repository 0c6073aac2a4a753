// V8 stops a loop of the language at once, but not one of its own over the places of an array: `Array(4e9).forEach(run)` goes through all
// of them whatever the time, and `sort` of something that long ends the process. So what goes through an array asks first how long it is.
(function () {
  'use strict';
  const { apply } = Reflect, { ExpressionError } = __extensions;
  const MOST = 2 ** 25;  // places, more than an isolate has memory for
  const METHODS = ['concat', 'copyWithin', 'every', 'fill', 'filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'flat', 'flatMap', 'forEach',
    'includes', 'indexOf', 'join', 'lastIndexOf', 'map', 'reduce', 'reduceRight', 'reverse', 'shift', 'slice', 'some', 'sort', 'splice', 'toReversed',
    'toSorted', 'toSpliced', 'unshift', 'with'];
  const require = (length, what) => {
    if (length > MOST) throw new ExpressionError(`${what} of ${length} places is longer than can be gone through here: ${MOST} at most`);
  };
  const raws = new WeakMap(), rawOf = raws.get.bind(raws), written = Function.prototype.toString;
  const asking = (holder, name, lengthOf, what) => {
    const raw = holder[name];
    const { [name]: asks } = { [name](...given) {
      require(lengthOf(this, given), what);
      return apply(raw, this, given);
    } };
    Object.defineProperty(asks, 'length', { value: raw.length, configurable: true });
    raws.set(asks, raw);
    Object.defineProperty(holder, name, { value: asks, writable: true, configurable: true });
  };
  for (const name of METHODS) asking(Array.prototype, name, (array) => array?.length, 'An array');
  asking(Array, 'from', (_, [list]) => list?.length, 'A list');
  asking(String, 'raw', (_, [list]) => list?.raw?.length, 'A list');
  for (const name of ['split', 'match']) asking(String.prototype, name, (text) => text?.length, 'A text');
  // A text with such a method in it says what it said before.
  const { toString } = { toString() { return apply(written, rawOf(this) ?? this, []); } };
  Object.defineProperty(Function.prototype, 'toString', { value: toString, writable: true, configurable: true });
})();
