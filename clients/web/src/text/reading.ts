import type { ConversationState, Message } from '@palabre/sdk';

/** Where and how a text is shown. */
export interface Reading {
  readonly conversation: ConversationState;
  /** The message, once it is stored. */
  readonly message: Message | null;
  /** Of what can be pressed in it. */
  readonly tabindex: 0 | -1;
  /** Somebody who is mentioned is pressed. */
  readonly onmention: (username: string) => void;
}
