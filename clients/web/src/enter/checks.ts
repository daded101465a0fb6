/** An error that a form finds before it asks the server, as the key of its words. */
export type UsernameFault = 'usernameShort' | 'usernameLong' | 'usernameLetters';
export type PasswordFault = 'passwordShort' | 'passwordLong' | 'passwordIsName';

export const PASSWORD_LEAST = 8;
const PASSWORD_MOST = 256;
const USERNAME_LEAST = 3;
const USERNAME_MOST = 50;

/** Characters as the server counts them: an emoji is one, where JavaScript counts two. */
export const length = (text: string) => [...text].length;

/** The error in a username; null if there is none. */
export function usernameFault(name: string): UsernameFault | null {
  if (!/^[A-Za-z0-9_-]*$/.test(name)) return 'usernameLetters';
  if (name.length < USERNAME_LEAST) return 'usernameShort';
  return name.length > USERNAME_MOST ? 'usernameLong' : null;
}

/** The error in a new password; null if there is none. Only the server knows the most common passwords. */
export function passwordFault(password: string, username: string): PasswordFault | null {
  if (length(password) < PASSWORD_LEAST) return 'passwordShort';
  if (length(password) > PASSWORD_MOST) return 'passwordLong';
  return password.toLowerCase() === username.toLowerCase() ? 'passwordIsName' : null;
}

/** Whether it may be a mail address: something, an @, and a host with a dot in it. */
export const isEmail = (text: string) => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text);
