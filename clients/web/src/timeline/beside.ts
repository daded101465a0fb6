import { filesOf, isPicture, type File, type Message } from '@palabre/sdk';
import { town } from '../town/town.svelte';

const shows = (file: File) => isPicture(file) && file.width !== null && file.height !== null;
const picturesOf = (messages: readonly Message[]) =>
  messages.flatMap((message) => (message.text === null ? [] : filesOf(message).filter(shows)));

/** The pictures beside this one: those of the room or thread in which it stands, as far as it is loaded. */
export function picturesBeside(file: File): readonly File[] {
  const has = (messages: readonly Message[]) =>
    messages.some((message) => filesOf(message).some(({ id }) => id === file.id));
  for (const { timeline, threads } of town.state.conversations.values()) {
    for (const list of [timeline, ...[...threads.values()].map((thread) => thread.timeline)]) {
      if (list && has(list.messages)) return picturesOf(list.messages);
    }
  }
  return [file];
}
