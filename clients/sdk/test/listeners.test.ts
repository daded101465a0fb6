import { afterEach, expect, test, vi } from 'vitest';
import { Scripted } from './help/scripted.js';

afterEach(() => void vi.unstubAllGlobals());

test('a listener that throws is reported, and the others hear the same as ever', async () => {
  const reported = vi.fn();
  vi.stubGlobal('reportError', reported);
  const server = new Scripted();
  const client = server.client();
  const broken = new Error('broken');
  const breaks = () => {
    throw broken;
  };
  const [states, frames] = [vi.fn(), vi.fn()];
  client.subscribe(breaks);
  client.subscribe(states);
  client.on('frame', breaks);
  client.on('frame', frames);
  await client.logIn({ username: 'ann', password: 'correct horse' });
  client.connect();
  await vi.waitFor(() => expect(client.state.ready).toBe(true));
  expect(states).toHaveBeenCalled();
  expect(frames).toHaveBeenCalled();
  expect(reported).toHaveBeenCalledWith(broken);
});
