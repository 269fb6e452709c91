// Tests the TextMate grammar with the engine of VS Code.
//
//   node test/run.mjs            compare the samples with their snapshots, check the example rules
//   node test/run.mjs --update   write the snapshots anew
//
// scripts/test-textmate installs the engine before.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';

const folder = dirname(fileURLToPath(import.meta.url));
const project = join(folder, '../../..');
const BASE = 'source.tripline';

/** The words that are never names, except behind a dot. */
const RESERVED = new Set(
  ('and or not in like matches is true false null then next any until within as optional for over where').split(' '),
);

/** The words that begin a clause or a declaration. */
const FIRST = new Set(
  ('stream list table let def rule test about tags runbook by event match overlap alert on to limit max mode').split(' '),
);

async function loadGrammar() {
  const wasm = readFileSync(join(folder, '../node_modules/vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm);
  const path = join(folder, '../tripline.tmLanguage.json');
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: patterns => new oniguruma.OnigScanner(patterns),
      createOnigString: text => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, 'utf8'), path),
  });
  return registry.loadGrammar(BASE);
}

/** The lines of a text, each with its tokens: text, scopes but the first. */
function tokenise(grammar, text) {
  let stack = textmate.INITIAL;
  return text.split(/\r?\n/).map(line => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    return {
      line,
      tokens: tokens.map(({ startIndex, endIndex, scopes }) => ({
        start: startIndex,
        text: line.slice(startIndex, endIndex),
        scopes: scopes.filter(scope => scope !== BASE),
      })),
      depth: stack.depth,
    };
  });
}

/** What a snapshot says: every line with its tokens and their scopes below. */
function shown(lines) {
  const token = ({ text, scopes }) => `    ${JSON.stringify(text)} ${scopes.map(scope => scope.replace('.tripline', '')).join(' ')}\n`;
  const filled = ({ text, scopes }) => text.trim() !== '' && scopes.length > 0;
  return lines.map(({ line, tokens }) => `>${line}\n` + tokens.filter(filled).map(token).join('')).join('');
}

/** What is wrong with the tokens of a text that is right. */
function complaints(lines) {
  const found = [];
  lines.forEach(({ line, tokens }, index) => {
    const complain = (token, what) => found.push(`${index + 1}: \`${token.text}\` ${what}: ${token.scopes.join(' ') || 'nothing'}`);
    const is = (token, ...kinds) => token.scopes.some(scope => kinds.some(kind => scope.startsWith(kind)));
    tokens.forEach((token, at) => {
      const word = token.text.trim();
      const before = line.slice(0, token.start).trimEnd();
      if (word === '' || is(token, 'comment')) {
        return;
      }
      if (is(token, 'invalid')) {
        complain(token, 'is invalid');
      }
      if (!is(token, 'string') && token.scopes.filter(scope => !scope.startsWith('meta')).length === 0) {
        complain(token, 'has no scope');
      }
      if (RESERVED.has(word) && !before.endsWith('.') && !is(token, 'string', 'keyword', 'constant.language')) {
        complain(token, 'is no keyword');
      }
      const behind = line.slice(token.start + token.text.length);
      const isField = /^\s*(=|:|\.|\[|(bool|int|float|string|timestamp|duration|ip)\b)/.test(behind);
      if (FIRST.has(word) && before === '' && !isField && !is(token, 'keyword')) {
        complain(token, 'is no keyword');
      }
    });
  });
  const { depth } = lines.at(-1);
  if (depth !== 1) {
    found.push(`${depth - 1} levels are open at the end`);
  }
  return found;
}

const files = (path, ending) =>
  readdirSync(path, { recursive: true }).filter(name => name.endsWith(ending)).sort().map(name => join(path, name));

const grammar = await loadGrammar();
let failures = 0;
const fail = message => {
  failures += 1;
  console.error(message);
};

for (const path of files(folder, '.trip')) {
  const now = shown(tokenise(grammar, readFileSync(path, 'utf8')));
  const snapshot = `${path}.snap`;
  if (process.argv.includes('--update')) {
    writeFileSync(snapshot, now);
  } else if (readFileSync(snapshot, 'utf8') !== now) {
    const [before, after] = [readFileSync(snapshot, 'utf8').split('\n'), now.split('\n')];
    const at = after.findIndex((line, index) => line !== before[index]);
    fail(`${relative(project, snapshot)}:${at + 1}:\n- ${before[at]}\n+ ${after[at]}`);
  }
}

const examples = [...files(join(project, 'rules'), '.trip'), ...files(folder, '.trip')];
for (const path of examples) {
  for (const complaint of complaints(tokenise(grammar, readFileSync(path, 'utf8')))) {
    fail(`${relative(project, path)}:${complaint}`);
  }
}

if (failures > 0) {
  console.error(`${failures} failures. When the colours were changed on purpose: scripts/test-textmate --update`);
  process.exit(1);
}
console.log(`${examples.length} files have the expected colours.`);
