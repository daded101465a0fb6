// Why a search is refused, in the reader's own words: the server's are in English.
import { locale, type Language } from '../i18n.svelte';
import { inLanguage, inProtocol } from './aliases';
import { pieces } from './pieces';
import { t } from './words';

/** The values of the operators that take words of ours. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  has: ['link', 'file', 'image', 'reaction'],
  is: ['edited', 'thread'],
  type: ['room', 'group', 'direct'],
};
const either = (values: readonly string[]) =>
  new Intl.ListFormat(locale(), { type: 'disjunction' }).format(values);
const DAYS = ['before', 'after', 'on'];

/** Names the first operator with an unknown value, and its known ones; null if all are known. */
export function unknownValue(q: string, language: Language): string | null {
  for (const { text } of pieces(inProtocol(q, language))) {
    const [, name = '', value = ''] = /^(\p{L}+):(.+)$/su.exec(text) ?? [];
    const operator = name.toLowerCase();
    const known = VALUES[operator];
    const shown = (of: string) => inLanguage(`${operator}:${of}`, language);
    const valueOf = (of: string) => shown(of).slice(shown('').length);
    if (known && !known.includes(value.toLowerCase()))
      return t().unknown(shown(value), shown(''), either(known.map(valueOf)));
    if (DAYS.includes(operator) && !/^\d{4}-\d{2}-\d{2}$/.test(value))
      return t().unknown(shown(value), shown(''), t().aDay);
  }
  return null;
}
