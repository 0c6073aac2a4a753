// n8n's functions for objects are called like methods and are none. Acorn finds those calls in an expression, and each becomes a call of
// `__extend`, which also knows what `isEmpty()` means on something that is not there. The host loads Acorn where it is needed first.
(function () {
  'use strict';
  let parse = null;
  const names = new Set(__extensions.names);
  const mentioned = new RegExp(`\\.\\s*(?:${[...names].join('|')})\\s*\\(`);

  const calls = (node, found) => {
    if (node === null || typeof node !== 'object') return found;
    const { type, callee } = node;
    if (type === 'CallExpression' && callee.type === 'MemberExpression' && !callee.computed && callee.object.type !== 'Super' &&
      names.has(callee.property.name)) found.push(node);
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) value.forEach((each) => calls(each, found));
      else if (typeof value?.type === 'string') calls(value, found);
    }
    return found;
  };
  // A node's own place leaves its parentheses out, so the object of `(a).keys()` is what stands before the dot.
  const edits = (source, { end, callee }) => {
    const dot = source.lastIndexOf('.', callee.property.start) - (callee.optional ? 1 : 0);
    return [
      [callee.start, callee.start, '__extend('],
      [dot, source.indexOf('(', callee.property.end) + 1, `, "${callee.property.name}", [`],
      [end - 1, end, callee.optional ? '], true)' : '])'],
    ];
  };

  const needsParser = (texts) => parse === null && texts.some((text) => mentioned.test(text));
  const takeParser = () => {
    parse = acorn.parse;
    delete globalThis.acorn;
    return '';
  };
  const rewrite = (code) => {
    if (parse === null || !mentioned.test(code)) return code;
    const source = `(${code}\n)`;
    let tree;
    try {
      tree = parse(source, { ecmaVersion: 'latest' });
    } catch {
      return code; // whoever compiles it says what is wrong
    }
    const all = calls(tree, []).flatMap((call) => edits(source, call)).sort((a, b) => a[0] - b[0]);
    let written = '', from = 0;
    for (const [start, end, text] of all) {
      written += source.slice(from, start) + text;
      from = end;
    }
    return written + source.slice(from);
  };
  globalThis.__rewriting = { rewrite, needsParser, takeParser };
})();
