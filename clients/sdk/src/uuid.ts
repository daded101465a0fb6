// Random UUIDs, also where there is no `crypto.randomUUID`: browsers keep it from pages that came over plain HTTP.

/** A random UUID (version 4), such as a `client_id` wants. */
export function uuid(): string {
  // Node 18 has none, and these need not be secret.
  const crypto = globalThis.crypto as Crypto | undefined;
  if (typeof crypto?.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto?.getRandomValues(new Uint8Array(16)) ?? Uint8Array.from({ length: 16 }, anyByte);
  const hex = [...bytes].map((byte, at) => mark(byte, at).toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function anyByte(): number {
  return Math.floor(Math.random() * 256);
}

/** The version and the variant have their places. */
function mark(byte: number, at: number): number {
  if (at === 6) return (byte & 0x0f) | 0x40;
  return at === 8 ? (byte & 0x3f) | 0x80 : byte;
}
