import { isEmail, length, PASSWORD_LEAST, passwordFault, usernameFault } from './checks';
import { Submission } from './submission.svelte';
import { t } from './words';

const FIELDS = ['username', 'display_name', 'email', 'password', 'setup_secret'] as const;
type Name = (typeof FIELDS)[number];

/** The form that creates an account: its values, and their errors. */
export class Registration {
  readonly submission = new Submission();
  readonly #values = $state({ username: '', display_name: '', email: '', password: '', setup_secret: '' });
  #tried = $state(false);
  readonly #setUp: () => boolean;

  constructor(setUp: () => boolean) {
    this.#setUp = setUp;
  }

  get values() {
    return this.#values;
  }

  /** Checks all fields; true if the form can be sent. */
  ready(): boolean {
    this.#tried = true;
    return FIELDS.every((name) => this.#fault(name) === undefined);
  }

  /** The data for the server, without empty fields. */
  input() {
    const { username, display_name, email, password, setup_secret } = this.#values;
    return {
      username,
      password,
      ...(display_name.trim() && { display_name: display_name.trim() }),
      ...(email.trim() && { email: email.trim() }),
      ...(this.#setUp() && { setup_secret: setup_secret.trim() }),
    };
  }

  /** Forgets the secrets, once the account exists. */
  forget(): void {
    this.#values.password = '';
    this.#values.setup_secret = '';
  }

  /** The error to show beside a field; undefined before the form was first sent. */
  error(name: Name): string | undefined {
    return (this.#tried ? this.#fault(name) : undefined) ?? this.#refused(name);
  }

  /** How many characters the password still lacks. */
  passwordHint(): string {
    const has = length(this.#values.password);
    if (has === 0) return t().passwordHint;
    return has < PASSWORD_LEAST ? t().passwordMore(PASSWORD_LEAST - has) : t().passwordGood;
  }

  /** The error that belongs to no field. */
  whole(): string | undefined {
    return this.submission.whole(FIELDS);
  }

  #fault(name: Name): string | undefined {
    const { username, email, password, setup_secret } = this.#values;
    const fault = name === 'username' ? usernameFault(username) : passwordFault(password, username);
    switch (name) {
      case 'username':
      case 'password':
        return fault === null ? undefined : t()[fault];
      case 'email':
        return email.trim() === '' || isEmail(email.trim()) ? undefined : t().emailWrong;
      case 'setup_secret':
        return this.#setUp() && setup_secret.trim() === '' ? t().setUpCodeMissing : undefined;
      default:
        return undefined;
    }
  }

  /** The server's refusals that are known, in the person's language. */
  #refused(name: Name): string | undefined {
    const said = this.submission.field(name);
    if (said === undefined) return undefined;
    if (name === 'setup_secret') return t().setUpCodeWrong;
    if (name === 'password') return t().passwordGuessable;
    if (this.submission.code(name) !== 'conflict') return said;
    return name === 'username' ? t().usernameTaken : said;
  }
}
