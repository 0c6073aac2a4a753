// n8n's functions are called like methods and are none. Acorn finds those calls in an expression, and each becomes a call of `__extend`,
// which knows what n8n's function of a name does with each kind of value, and with none; what n8n forbids to name is found on the way.
// The host loads Acorn, and the letters that `replaceSpecialChars` knows, where they are needed first.
(function () {
  'use strict';
  const { names: functions, ExpressionError, letters } = __extensions;
  const names = new Set(functions);
  const FORBIDDEN = new Set(['__proto__', 'prototype', 'constructor', 'getPrototypeOf', 'setPrototypeOf', 'defineProperty']);
  const mentioned = new RegExp([
    `\\.\\s*(?:${[...names].join('|')})\\s*(?:\\?\\.\\s*)?\\(`, ...FORBIDDEN, `\\[[^\\]]*["'\`]\\s*\\+`,
  ].join('|'));
  const loaded = { parser: null, letters: null };
  const take = {
    parser: () => { loaded.parser = acorn.parse; delete globalThis.acorn; },
    letters: () => { loaded.letters = letters(transliteration.transliterate); delete globalThis.transliteration; },
  };
  const lacking = (texts) => {
    if (!loaded.parser && texts.some((text) => mentioned.test(text))) return 'parser';
    return !loaded.letters && texts.some((text) => text.includes('replaceSpecialChars')) ? 'letters' : '';
  };

  const isNode = (value) => typeof value?.type === 'string';
  const children = (node) => Object.values(node).flat().filter(isNode);

  // ---- what is forbidden ------------------------------------------------------------------------------------------------------
  const written = (node) => {
    if (node.type === 'Literal') return String(node.value);
    if (node.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0].value.cooked;
    if (node.type !== 'BinaryExpression' || node.operator !== '+') return undefined;
    const [left, right] = [node.left, node.right].map(written);
    return left === undefined || right === undefined ? undefined : left + right;
  };
  const refuse = (node) => {
    if (node.type === 'MemberExpression') {
      const name = node.computed ? written(node.property) : node.property.name;
      if (name === 'constructor' && !node.computed) throw new ExpressionError('Expression contains invalid constructor function call');
      if (FORBIDDEN.has(name)) throw new ExpressionError(`Cannot access "${name}" due to security concerns`);
    }
    children(node).forEach(refuse);
  };

  // ---- calls of n8n's functions -----------------------------------------------------------------------------------------------
  const isCall = ({ type, callee }) => type === 'CallExpression' && callee.type === 'MemberExpression' && !callee.computed &&
    callee.object.type !== 'Super' && names.has(callee.property.name);
  const before = (link) => link.object ?? link.callee;
  // Where a link begins: at its `?.`, `.`, `[` or `(`.
  const startOf = (source, link) => {
    const mark = link.optional ? '?.' : link.type === 'CallExpression' ? '(' : link.computed ? '[' : '.';
    return link.object && !link.computed ? source.lastIndexOf(mark, link.property.start) : source.indexOf(mark, before(link).end);
  };
  // The links of a chain, the innermost first: those of `a.b?.c()` are `.b`, `?.c` and `()`. What stands in parentheses is no part of it.
  const linksOf = (source, chain) => {
    const links = [];
    let at = chain.type === 'ChainExpression' ? chain.expression : chain;
    while (at.type === 'MemberExpression' || at.type === 'CallExpression') {
      const start = startOf(source, at);
      links.unshift({ node: at, start });
      if (source.slice(before(at).end, start).includes(')')) break;
      at = before(at);
    }
    return links;
  };
  const CHAINS = new Set(['ChainExpression', 'MemberExpression', 'CallExpression']);
  const rewritten = (source, node) => {
    if (CHAINS.has(node.type)) {
      const links = linksOf(source, node);
      if (links.some((link) => isCall(link.node))) return [[node.start, node.end, chained(source, node, links)]];
    }
    return children(node).flatMap((child) => rewritten(source, child));
  };
  const edited = (source, start, end, nodes) => {
    let text = '', from = start;
    for (const [first, last, instead] of nodes.flatMap((node) => rewritten(source, node)).sort((a, b) => a[0] - b[0])) {
      text += source.slice(from, first) + instead;
      from = last;
    }
    return text + source.slice(from, end);
  };
  // What follows a `?.` stands in a function of its own, which is called only where there is something before it.
  const chained = (source, chain, links) => {
    const heads = [];
    let text = edited(source, chain.start, links[0].start, [before(links[0].node)]);
    links.forEach(({ node, start }, at) => {
      const args = () => edited(source, source.indexOf('(', start) + 1, node.end - 1, node.arguments);
      const next = links[at + 1]?.node;
      if (isCall(node)) {
        text = `__extend(${text}, "${node.callee.property.name}", [${args()}])`;
      } else if (node.type === 'CallExpression') {
        text += `${node.optional ? '?.' : ''}(${args()})`;
      } else {
        if (node.optional) {
          heads.push(text);
          text = `$chain${heads.length}`;
        }
        if (next && isCall(next)) return;
        text += node.computed ? `[${edited(source, source.indexOf('[', start) + 1, node.end - 1, [node.property])}]` : `.${node.property.name ?? source.slice(node.property.start, node.end)}`;
      }
    });
    return heads.reduceRight((rest, head, at) => `__chain(${head}, ($chain${at + 1}) => ${rest})`, text);
  };

  const rewrite = (code) => {
    if (!loaded.parser || !mentioned.test(code)) return code;
    const source = `(${code}\n)`;
    let tree;
    try {
      tree = loaded.parser(source, { ecmaVersion: 'latest' });
    } catch {
      return code; // whoever compiles it says what is wrong
    }
    refuse(tree);
    return edited(source, 0, source.length, [tree]);
  };
  globalThis.__rewriting = { rewrite, lacking, take: (name) => { take[name](); return ''; } };
})();
