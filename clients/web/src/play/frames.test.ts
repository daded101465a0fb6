import { describe, expect, it } from 'vitest';
import { commandOf, look, pretty, readCommand, written } from './frames';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_x';
const said = (text: string) => look('ada', { direction: 'out', text, at: 0 });
const heard = (text: string) => look('ada', { direction: 'in', text, at: 0 });

describe('a frame', () => {
  it('shows no token, wherever it stands', () => {
    const frame = said(`{"id":"c1","type":"authenticate","data":{"note":"my ${TOKEN}, see"}}`);
    expect(frame.text).toBe('{"id":"c1","type":"authenticate","data":{"note":"my eyJ…, see"}}');
    expect(pretty(frame)).not.toContain('eyJhb');
    expect(JSON.stringify(commandOf(frame))).not.toContain('eyJhb');
  });

  it('has the size of its bytes, not of its characters', () => {
    expect(said('{"type":"é👍"}').size).toBe(17);
  });

  it('is shown even if it cannot be read', () => {
    for (const text of ['', 'not json', '[1]', '"text"', 'null', '{"type":7}']) {
      expect(heard(text)).toMatchObject({ type: '?', frame: null, text });
      expect(pretty(heard(text))).toBe(text);
    }
  });

  it('names the command that it answers', () => {
    expect(said('{"id":"c7","type":"ping"}').ref).toBe('c7');
    expect(heard('{"re":"c7","type":"error","error":{}}')).toMatchObject({ ref: 'c7', refused: true });
    expect(heard('{"re":null,"type":"error","error":{}}').ref).toBeNull();
  });

  it('belongs to a coming back only if somebody was here before', () => {
    expect(said('{"type":"authenticate","data":{"cursors":{}}}').back).toBe(false);
    expect(said('{"type":"authenticate"}').back).toBe(false);
    expect(said('{"type":"authenticate","data":{"cursors":{"1":4}}}').back).toBe(true);
    expect(heard('{"type":"conversation.changes","conversation":1,"data":{}}').back).toBe(true);
    expect(heard('{"re":"c2","type":"conversation.changes","data":{}}').back).toBe(false);
  });
});

describe('a command', () => {
  it('is what was said, without its id', () => {
    expect(commandOf(said('{"id":"c7","type":"ping"}'))).toEqual({ type: 'ping', data: {} });
    expect(commandOf(heard('{"type":"ping"}'))).toBeNull();
  });

  it('is read as it is written', () => {
    const command = { type: 'a"b', data: { text: 'x\n"y"', list: [1, null] } };
    expect(readCommand(written(command))).toEqual(command);
  });

  it('is read only if it is one', () => {
    expect(readCommand('{"type":"a.b","data":{"x":1}}')).toEqual({ type: 'a.b', data: { x: 1 } });
    for (const text of ['', '{', '{}', '[]', '{"type":1}']) expect(readCommand(text)).toBeNull();
  });
});
