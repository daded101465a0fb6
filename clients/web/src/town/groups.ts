import { Refusal } from '@palabre/sdk';
import { client, town } from './town.svelte';

/** As many members are asked for as a title can hold, and oneself. */
const ASKED = 9;
/** The count of members with which a group was asked about. */
const asked = new Map<number, number>();
let busy = false;

/** Asks who is in the groups of the list that have no name, one after the other. An effect of what the town knows. */
export function loadGroups(): void {
  if (town.state.line !== 'online' || busy) return;
  const next = town.list.find(
    ({ id, row, members }) =>
      row.kind === 'group' && !row.name && !members && asked.get(id) !== row.member_count,
  );
  if (next) void load(next.id, next.row.member_count);
}

async function load(conversation: number, count: number): Promise<void> {
  busy = true;
  asked.set(conversation, count);
  try {
    const { members } = await client.command('member.list', { conversation, limit: ASKED });
    const people = members.map(({ user }) => user);
    town.groups = new Map(town.groups).set(conversation, people);
    client.loadPeople(people.map(({ id }) => id));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Of a group that one has just left nothing is wanted; the rest is asked again when the line is back.
  } finally {
    busy = false;
  }
  loadGroups();
}

function forget(): void {
  asked.clear();
}
client.on('signedOut', forget);
client.subscribe((state, before) => {
  if (state.line === 'online' && before.line !== 'online') forget();
});
