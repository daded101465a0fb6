import type { Account, AccountUpdateData } from '@palabre/sdk';

/** The fields of a profile that its owner may change, as the form has them. */
export const FIELDS = [
  'display_name',
  'status_message',
  'first_name',
  'last_name',
  'birth_date',
  'profession',
  'city',
  'language',
  'time_zone',
] as const satisfies readonly (keyof AccountUpdateData & keyof Account)[];
export type FieldName = (typeof FIELDS)[number];

/** A form's values, with empty texts for missing ones. */
export type Draft = Record<FieldName, string>;

/** The fields of a profile in the form. */
export function draftOf(account: Pick<Account, FieldName>): Draft {
  return Object.fromEntries(FIELDS.map((name) => [name, account[name] ?? ''])) as Draft;
}

/** The changed fields for the server, with null for each that is to be cleared. */
export function changedFields(before: Draft, now: Draft): AccountUpdateData {
  const changed = FIELDS.filter((name) => now[name].trim() !== before[name]);
  return Object.fromEntries(changed.map((name) => [name, now[name].trim() || null]));
}
