import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** All sources, as they are written. */
const SOURCES = import.meta.glob<string>(['../src/**/*.ts', '../src/**/*.svelte', '!../src/**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Words that are the same in both languages on purpose. */
const SAME = new Set([
  'Administration',
  'Conversations',
  'Direct conversation',
  'Messages',
  'Pause',
  'Message',
  'Notifications',
  'Palabre',
  'Type',
  'Console',
  'Public',
  'Nature',
  'Smileys',
  'Suggestions',
  'Date',
  'Code',
  'Code (Ctrl+E)',
  'Profession',
  'Invisible',
  'invisible',
  'Palabre Ann',
]);

type Word = string | ((...values: unknown[]) => string);
type Both = { en: Record<string, Word>; fr: Record<string, Word> };

/** The words of one file: whatever stands in a call of `speak`. */
function wordsIn(source: string, path: string): Both[] {
  const script = path.endsWith('.svelte')
    ? [...source.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]).join('\n')
    : source;
  const found: Both[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'speak' && node.arguments[0]) {
      found.push(valueOf(node.arguments[0].getText()));
    }
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile(path, script, ts.ScriptTarget.Latest, true));
  return found;
}

function valueOf(expression: string): Both {
  const { outputText } = ts.transpileModule(`export default (${expression})`, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exports: { default?: Both } = {};
  const plural = (_count: number, one: string, many: string) => `${one} / ${many}`;
  new Function('exports', 'plural', outputText)(exports, plural);
  if (!exports.default) throw new Error('No words.');
  return exports.default;
}

const said = (word: Word) => (typeof word === 'string' ? word : word('Ann', 'Ben', 'Cleo'));
const files = Object.entries(SOURCES)
  .map(([path, source]) => ({ path: path.replace('../src/', ''), all: wordsIn(source, path) }))
  .filter(({ all }) => all.length > 0);

it('finds the words of the client', () => {
  expect(files.length).toBeGreaterThan(8);
  expect(files.flatMap(({ all }) => all.flatMap(({ en }) => Object.keys(en))).length).toBeGreaterThan(300);
});

describe.each(files)('$path', ({ all }) => {
  it('says everything in both languages', () => {
    for (const { en, fr } of all) expect(Object.keys(fr).toSorted()).toEqual(Object.keys(en).toSorted());
  });

  it('says it in French in French', () => {
    const forgotten = all.flatMap(({ en, fr }) =>
      Object.entries(en).flatMap(([key, word]) => {
        const [english, french] = [said(word), said(fr[key] ?? '')];
        const words = /\p{L}/u.test(english.replaceAll(/Ann|Ben|Cleo/g, ''));
        return words && english === french && !SAME.has(english) ? [`${key}: ${english}`] : [];
      }),
    );
    expect(forgotten).toEqual([]);
  });

  it('sets French as French is set', () => {
    const wrong = all.flatMap(({ fr }) =>
      Object.entries(fr).flatMap(([key, word]) => {
        // The names of emoji have colons of their own.
        const text = said(word).replaceAll(/:\w+:/g, '');
        // A space that does not break before double punctuation and inside of guillemets, and the true apostrophe. A
        // colon with a word right behind it is no punctuation: an operator of the search, as in `de:ann`.
        const spaces = / [?!:;»]|« |[\p{L}»][?!;]|\p{L}:(?!\/\/|[\p{L}\p{N}])/u.test(text);
        return spaces || text.includes("'") || /"/.test(text) ? [`${key}: ${text}`] : [];
      }),
    );
    expect(wrong).toEqual([]);
  });
});
