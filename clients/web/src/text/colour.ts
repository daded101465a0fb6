import type { LanguageFn } from 'highlight.js';

/** The kind of a piece of code, as far as it has a colour of its own; empty if it has none. */
export type Kind = 'comment' | 'keyword' | 'string' | 'number' | 'name' | '';

export interface Token {
  readonly kind: Kind;
  readonly text: string;
}

type Load = () => Promise<{ default: LanguageFn }>;

/** Each language is a file of its own, loaded when it is first wanted; with the other names that people give it. */
const LANGUAGES: readonly (readonly [names: string, load: Load])[] = [
  ['bash sh shell zsh console', () => import('highlight.js/lib/languages/bash')],
  ['c h', () => import('highlight.js/lib/languages/c')],
  ['cpp c++ cc hpp cxx', () => import('highlight.js/lib/languages/cpp')],
  ['csharp c# cs', () => import('highlight.js/lib/languages/csharp')],
  ['css', () => import('highlight.js/lib/languages/css')],
  ['dart', () => import('highlight.js/lib/languages/dart')],
  ['diff patch', () => import('highlight.js/lib/languages/diff')],
  ['dockerfile docker', () => import('highlight.js/lib/languages/dockerfile')],
  ['elixir ex exs', () => import('highlight.js/lib/languages/elixir')],
  ['go golang', () => import('highlight.js/lib/languages/go')],
  ['graphql gql', () => import('highlight.js/lib/languages/graphql')],
  ['haskell hs', () => import('highlight.js/lib/languages/haskell')],
  ['ini toml conf', () => import('highlight.js/lib/languages/ini')],
  ['java', () => import('highlight.js/lib/languages/java')],
  ['javascript js jsx mjs node', () => import('highlight.js/lib/languages/javascript')],
  ['json jsonc', () => import('highlight.js/lib/languages/json')],
  ['kotlin kt', () => import('highlight.js/lib/languages/kotlin')],
  ['lua', () => import('highlight.js/lib/languages/lua')],
  ['makefile make mk', () => import('highlight.js/lib/languages/makefile')],
  ['markdown md', () => import('highlight.js/lib/languages/markdown')],
  ['nginx', () => import('highlight.js/lib/languages/nginx')],
  ['objectivec objc objective-c', () => import('highlight.js/lib/languages/objectivec')],
  ['perl pl', () => import('highlight.js/lib/languages/perl')],
  ['php', () => import('highlight.js/lib/languages/php')],
  ['powershell ps1 pwsh', () => import('highlight.js/lib/languages/powershell')],
  ['python py', () => import('highlight.js/lib/languages/python')],
  ['r', () => import('highlight.js/lib/languages/r')],
  ['ruby rb', () => import('highlight.js/lib/languages/ruby')],
  ['rust rs', () => import('highlight.js/lib/languages/rust')],
  ['scala', () => import('highlight.js/lib/languages/scala')],
  ['scss sass less', () => import('highlight.js/lib/languages/scss')],
  ['sql postgres postgresql sqlite mysql', () => import('highlight.js/lib/languages/sql')],
  ['swift', () => import('highlight.js/lib/languages/swift')],
  ['typescript ts tsx', () => import('highlight.js/lib/languages/typescript')],
  ['xml html svg svelte vue xhtml', () => import('highlight.js/lib/languages/xml')],
  ['yaml yml', () => import('highlight.js/lib/languages/yaml')],
];

/** Longer code stays without colours: finding them would hold the page up. */
const MOST = 20_000;

/** The pieces of a code in their colours; none if the language is not known, or cannot be loaded now. */
export async function colour(text: string, language: string): Promise<readonly Token[]> {
  const wanted = language.toLowerCase();
  const found = LANGUAGES.find(([names]) => names.split(' ').includes(wanted));
  if (!found || text.length > MOST) return [];
  try {
    const [{ default: library }, { default: grammar }] = await Promise.all([
      import('highlight.js/lib/core'),
      found[1](),
    ]);
    const [name = ''] = found[0].split(' ');
    if (!library.getLanguage(name)) library.registerLanguage(name, grammar);
    const code = text.replace(/(?:\r\n|\n|\r)$/, '');
    const tokens = read(library.highlight(code, { language: name, ignoreIllegals: true }).value);
    return tokens.map((token) => token.text).join('') === code ? tokens : [];
  } catch {
    return [];
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
};

/** Reads what the library writes: text in spans. It is never given to the browser as HTML. */
export function read(written: string): Token[] {
  const around: Kind[] = [];
  const tokens: Token[] = [];
  for (const [piece, scope] of written.matchAll(/<span class="([^"]*)">|<\/span>|[^<]+/g)) {
    if (scope !== undefined) around.push(kindOf(scope) || (around.at(-1) ?? ''));
    else if (piece === '</span>') around.pop();
    else {
      const text = piece.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
      tokens.push({ kind: around.at(-1) ?? '', text });
    }
  }
  return tokens;
}

const KINDS: readonly (readonly [Kind, RegExp])[] = [
  ['comment', /comment|quote|meta\b/],
  ['keyword', /keyword|literal|built_in|type|operator|selector-tag|hljs-name/],
  ['string', /string|regexp|addition|link|bullet|template-variable/],
  ['number', /number|symbol|deletion|variable/],
  ['name', /title|attr|property|section|function|class|selector/],
];

function kindOf(scope: string): Kind {
  return KINDS.find(([, pattern]) => pattern.test(scope))?.[0] ?? '';
}
