/** Scripts in which words are written without spaces between them, or with other words grown on to them. By ranges, as
    `docs/protocol/text.md` has them, so that every client knows the same, whatever its tables. */
export const UNSPACED =
  '\\u0e00-\\u0eff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u19e0-\\u19ff\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u3029' +
  '\\u3031-\\u3035\\u3038-\\u303c\\u3040-\\u30fa\\u30fc-\\u318f\\u31a0-\\u31bf\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff' +
  '\\ua960-\\ua97f\\ua9e0-\\ua9ff\\uaa60-\\uaa7f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{1aff0}-\\u{1b16f}\\u{20000}-\\u{3ffff}';
/** What no link goes beyond: blanks, signs around it, and punctuation that no address has as it is. */
export const ENDING =
  '\\s<>"`«»\\p{Cc}\\p{Cf}\\u2014\\u201c-\\u201f\\u2026\\u2039\\u203a\\u3001-\\u3004\\u3008-\\u3020\\u3030\\u3036\\u3037\\u303d-\\u303f' +
  '\\u30fb\\ufe10-\\ufe1f\\ufe30-\\ufe6f\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65';
export const WORD = '\\p{L}\\p{M}\\p{N}_';
/** Where a word of its own may begin; behind these signs, too, it may not. */
export const apart = (signs: string) => `(?:(?<![${WORD}${signs}])|(?<=[${UNSPACED}]))`;
/** A letter, mark or digit of a script with spaces, or `_`. */
export const SPACED = `(?![${UNSPACED}])[${WORD}]`;

/** Whether anything of a text can be seen: the server refuses a message of which nothing can. */
export function hasVisible(text: string): boolean {
  return /(?![\u2800\u{1d159}\ufff9-\ufffc\p{Default_Ignorable_Code_Point}])[\p{L}\p{N}\p{P}\p{S}\p{Cn}]/u.test(
    text,
  );
}

/** The character that begins here. */
export const characterAt = (text: string, at: number) => String.fromCodePoint(text.codePointAt(at) ?? 0);
