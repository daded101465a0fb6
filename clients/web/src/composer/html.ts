/** An element of a page that was copied, as far as one looks at it; its children are elements and texts. */
export interface Element {
  readonly name: string;
  readonly attributes: string;
  readonly children: (Element | string)[];
}

/** Elements without content. */
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)$/;
/** What has none that is text: from where, to where. */
const DROPPED = ['style', 'script', 'template', 'noscript', 'title', 'svg', 'math'].map((name) => [
  `<${name}`,
  `</${name}`,
]);
/** A tag with its attributes, of which no more is read than a page needs; or what stands between tags. */
const TOKEN =
  /<(\/?)([a-z][a-z0-9-]*)((?:[^>"']|"[^"]{0,4000}"|'[^']{0,4000}'){0,1000})>|<![^>]{0,4000}>|[^<]+|</gi;
/** What is deeper has no meaning of its own. */
const MOST_DEPTH = 60;

/** Reads HTML as data: nothing is run, loaded or shown, and the policy that forbids the browser's own reader stays whole.
    What browsers write to the clipboard is well-formed; of other pages the worst that comes of it is plain text. */
export function readHtml(html: string): Element {
  const root: Element = { name: 'body', attributes: '', children: [] };
  const open = [root];
  for (const [token, closes, written = '', attributes = ''] of withoutDropped(html).matchAll(TOKEN)) {
    const name = written.toLowerCase();
    const inner = open.at(-1) ?? root;
    if (token.startsWith('<!')) continue;
    if (name === '') inner.children.push(decoded(token));
    else if (closes) close(open, name);
    else {
      if (name === 'li' && inner.name === 'li') open.pop();
      const element: Element = { name, attributes, children: [] };
      (open.at(-1) ?? root).children.push(element);
      if (!VOID.test(name) && open.length < MOST_DEPTH) open.push(element);
    }
  }
  return root;
}

/** Without comments, and what has no text; what is not closed goes on to the end. */
function withoutDropped(html: string): string {
  let rest = html;
  for (const [begin = '', end = ''] of [['<!--', '-->'], ...DROPPED]) {
    const small = rest.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    let [kept, at] = ['', 0];
    for (let from = small.indexOf(begin); from >= 0; from = small.indexOf(begin, at)) {
      kept += rest.slice(at, from);
      const to = small.indexOf(end, from);
      const closed = end === '-->' ? to + 2 : small.indexOf('>', to);
      at = to < 0 || closed < 0 ? rest.length : closed + 1;
    }
    rest = kept + rest.slice(at);
  }
  return rest;
}

function close(open: Element[], name: string): void {
  const at = open.findLastIndex((one, index) => index > 0 && one.name === name);
  if (at > 0) open.length = at;
}

/** The value of an attribute; empty if it has none. */
export function attribute({ attributes }: Element, name: string): string {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(
    attributes,
  );
  return decoded(match?.[1] ?? match?.[2] ?? match?.[3] ?? '');
}

/** All text in it. */
export function textOf(node: Element | string): string {
  if (typeof node === 'string') return node;
  return node.name === 'br' ? '\n' : node.children.map(textOf).join('');
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};

function decoded(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi,
    (entity, hex?: string, number?: string, name?: string) => {
      if (name !== undefined) return NAMED[name.toLowerCase()] ?? entity;
      const code = hex === undefined ? Number(number) : Number.parseInt(hex, 16);
      return code > 0 && code < 0x11_0000 ? String.fromCodePoint(code) : '';
    },
  );
}
