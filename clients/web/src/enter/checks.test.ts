import { describe, expect, it } from 'vitest';
import { isEmail, length, passwordFault, usernameFault } from './checks';

describe('a username', () => {
  it.each(['ann', 'Ann_D-2', 'a'.repeat(50)])('may be %s', (name) => expect(usernameFault(name)).toBeNull());
  it.each([
    ['', 'usernameShort'],
    ['an', 'usernameShort'],
    ['a'.repeat(51), 'usernameLong'],
    ['an n', 'usernameLetters'],
    ['zoé', 'usernameLetters'],
    ['ann\n', 'usernameLetters'],
  ])('may not be %j', (name, fault) => expect(usernameFault(name)).toBe(fault));
});

describe('a new password', () => {
  it('is counted in characters, as the server counts them', () => {
    expect(length('🌳🌳')).toBe(2);
    expect(passwordFault('🌳'.repeat(7), 'ann')).toBe('passwordShort');
    expect(passwordFault('🌳'.repeat(8), 'ann')).toBeNull();
    expect(passwordFault('x'.repeat(257), 'ann')).toBe('passwordLong');
  });
  it('is not the username in another case', () =>
    expect(passwordFault('Benjamin', 'benJAMIN')).toBe('passwordIsName'));
});

describe('a mail address', () => {
  it.each(['ann@example.org', 'a.b+c@d.example.org'])('may be %s', (text) =>
    expect(isEmail(text)).toBe(true),
  );
  it.each(['ann', '@example.org', 'ann@host', 'ann@.org', 'ann@host.', 'a b@c.de', 'a@b@c.de'])(
    'may not be %s',
    (text) => expect(isEmail(text)).toBe(false),
  );
});
