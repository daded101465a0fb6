/** Languages that the profile offers; what else a profile holds is offered as well. */
const LANGUAGES =
  'ar bg bn br ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu id is it ja ka ko lb lt lv mk ms nb nl oc pl pt ro ru sk sl sq sr sv sw ta th tr uk ur vi zh';

type Option = { value: string; label: string };

/** Languages by their names in the reader's own. */
export function languageOptions(reader: string, current: string): Option[] {
  const names = new Intl.DisplayNames([reader], { type: 'language', fallback: 'code' });
  const tags = [...new Set([...LANGUAGES.split(' '), current])].filter(Boolean);
  return tags
    .map((value) => ({ value, label: nameOf(names, value) }))
    .sort((a, b) => a.label.localeCompare(b.label, reader));
}

/** A profile may hold a tag that is invalid: older clients wrote any text. */
function nameOf(names: Intl.DisplayNames, tag: string): string {
  try {
    const name = names.of(tag) ?? tag;
    return name.charAt(0).toLocaleUpperCase() + name.slice(1);
  } catch {
    return tag;
  }
}

/** All time zones that the browser knows, and the one that the profile holds. */
export function timeZoneOptions(current: string): Option[] {
  const zones = [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC', current])].filter(Boolean).sort();
  return zones.map((value) => ({ value, label: value.replaceAll('_', ' ') }));
}
