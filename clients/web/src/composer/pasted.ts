import { attribute, readHtml, textOf, type Element } from './html';

/** More is pasted as plain text. */
const MOST = 200_000;

/** Text as the grammar writes it, of what was copied from a page; null if it is too long. */
export function ofHtml(html: string): string | null {
  if (html.length > MOST) return null;
  const text = blocks(readHtml(html), '')
    .replace(/[ \t]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+|\s+$/g, '');
  return text === '' ? null : text;
}

const BLOCK =
  /^(?:address|article|aside|blockquote|dd|div|dl|dt|figure|footer|h[1-6]|header|li|main|nav|ol|p|pre|section|table|tr|ul)$/;

/** The children of a node as lines; `depth` is the indent of a list. */
function blocks(node: Element, indent: string): string {
  let text = '';
  for (const child of node.children) {
    const name = typeof child === 'string' ? '' : child.name;
    if (typeof child === 'string' || !BLOCK.test(name)) {
      text += inline(child, indent);
      continue;
    }
    if (text !== '' && !text.endsWith('\n')) text += '\n';
    text += `${block(child, name, indent)}\n`;
    if (/^(?:p|h[1-6]|ul|ol|pre|blockquote)$/.test(name) && indent === '') text += '\n';
  }
  return text;
}

function block(element: Element, name: string, indent: string): string {
  if (name === 'pre') {
    const language = /\blanguage-([\w+#-]+)/.exec(classesOf(element))?.[1] ?? '';
    const code = textOf(element).replace(/^\n|\n$/g, '');
    return code.includes('```') ? code : `\`\`\`${language}\n${code}\n\`\`\``;
  }
  if (name === 'ul' || name === 'ol') return list(element, name === 'ol', indent);
  const inside = blocks(element, indent).trim();
  const level = /^h([1-6])$/.exec(name)?.[1];
  if (level !== undefined)
    return inside === '' ? '' : `${'#'.repeat(Math.min(Number(level), 3))} ${inside.replaceAll('\n', ' ')}`;
  return name === 'blockquote' ? inside.replace(/^/gm, '> ') : inside;
}

function list(element: Element, numbered: boolean, indent: string): string {
  let number = Number(attribute(element, 'start')) || 1;
  const lines: string[] = [];
  for (const item of element.children) {
    if (typeof item === 'string') continue;
    const sign = numbered ? `${number}. ` : '- ';
    // Lists that stand beside items and not in them belong to the item before.
    const isItem = item.name === 'li';
    const inner = indent + ' '.repeat(isItem ? sign.length : 2);
    const inside = (isItem ? blocks(item, inner) : block(item, item.name, '')).trim().replace(/\n+/g, '\n');
    if (inside === '') continue;
    if (!isItem) lines.push(inside.replace(/^/gm, inner));
    else {
      const [first = '', ...more] = inside.split('\n');
      lines.push(
        `${indent}${sign}${first}`,
        ...more.map((line) => (line.startsWith(inner) ? line : inner + line)),
      );
      number += 1;
    }
  }
  return lines.join('\n');
}

function inline(node: Element | string, indent: string): string {
  if (typeof node === 'string') return node.replace(/[ \t\r\n]+/g, ' ').replaceAll('\u00a0', ' ');
  const { name } = node;
  if (name === 'br') return '\n';
  if (name === 'code' || name === 'kbd' || name === 'samp') {
    const code = textOf(node);
    return code === '' || /[`\n]/.test(code) ? code : `\`${code}\``;
  }
  let text = blocks(node, indent);
  if (name === 'a') return anchor(node, text);
  for (const marker of markersOf(node, name)) text = wrapped(text, marker);
  return text;
}

/** A link with its text, where the grammar has one; else its text. */
function anchor(node: Element, text: string): string {
  const href = attribute(node, 'href');
  const label = text.trim().replace(/\s+/g, ' ');
  if (!/^(?:https?:\/\/|mailto:)[^\s<>"]+$/i.test(href) || label === '') return text;
  if (label === href || `${label}/` === href || `mailto:${label}` === href)
    return href.replace(/^mailto:/, '');
  return /[[\]]/.test(label)
    ? `${label} ${href}`
    : `[${label}](${href.replaceAll('(', '%28').replaceAll(')', '%29')})`;
}

function markersOf(node: Element, name: string): string[] {
  const style = attribute(node, 'style');
  const has = (pattern: RegExp) => pattern.test(style);
  const markers: string[] = [];
  const isLight = has(/font-weight:\s*(?:normal|[1-5]00)/i);
  if (has(/font-style:\s*italic/i) || name === 'i' || name === 'em') markers.push('*');
  if ((!isLight && (name === 'b' || name === 'strong')) || has(/font-weight:\s*(?:bold|[6-9]00)/i))
    markers.push('**');
  if (/^(?:s|del|strike)$/.test(name) || has(/text-decoration[^;]*line-through/i)) markers.push('~~');
  return markers;
}

/** Each line by itself, its blanks outside. What has the marker already, or a code block in it, stays. */
function wrapped(text: string, marker: string): string {
  if (text.includes('```') || text.includes(marker)) return text;
  return text
    .split('\n')
    .map((line) => line.replace(/^(\s*)(\S(?:.*\S)?)(\s*)$/s, `$1${marker}$2${marker}$3`))
    .join('\n');
}

/** The classes of an element and of those in it, where pages name the language of code. */
function classesOf(element: Element): string {
  const inner = element.children.map((child) => (typeof child === 'string' ? '' : classesOf(child)));
  return `${attribute(element, 'class')} ${inner.join(' ')}`;
}
