import type { ConversationState } from '@palabre/sdk';

/** Where and how a text is shown. */
export interface Reading {
  readonly conversation: ConversationState;
  /** Of what can be pressed in it. */
  readonly tabindex: 0 | -1;
  /** Somebody who is mentioned is pressed. */
  readonly onmention: (username: string) => void;
}
