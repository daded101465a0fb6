// A push service of our own, and one browser that has subscribed there: the real ones cannot be reached by a test. What
// the server sends is decrypted (RFC 8291), so that it can be given to the browser's worker.
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The stand-in for a page's `PushSubscription`. */
export interface Subscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

export class PushService {
  readonly #server: Server;
  readonly #key = createECDH('prime256v1');
  readonly #auth = randomBytes(16);
  readonly #told: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.#key.generateKeys();
  }

  static async opens(): Promise<PushService> {
    const server = createServer();
    const service = new PushService(server);
    server.on('request', (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        service.#told.push(service.#decrypted(Buffer.concat(pieces)));
        response.writeHead(201, { location: '/message/1' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get subscription(): Subscription {
    const { port } = this.#server.address() as AddressInfo;
    return {
      endpoint: `http://127.0.0.1:${port}/push/browser`,
      keys: { p256dh: this.#key.getPublicKey('base64url'), auth: this.#auth.toString('base64url') },
    };
  }

  /** The next thing that the browser is told. */
  async tells(): Promise<string> {
    const end = Date.now() + 30_000;
    while (this.#told.length === 0) {
      if (Date.now() > end) throw new Error('the browser is told nothing');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#told.shift() ?? '';
  }

  close(): void {
    this.#server.close();
  }

  #decrypted(body: Buffer): string {
    const length = body.readUInt8(20);
    const [salt, server, record] = [
      body.subarray(0, 16),
      body.subarray(21, 21 + length),
      body.subarray(21 + length),
    ];
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#key.getPublicKey(), server]);
    const input = Buffer.from(hkdfSync('sha256', this.#key.computeSecret(server), this.#auth, info, 32));
    const derive = (what: string, bytes: number) => Buffer.from(hkdfSync('sha256', input, salt, what, bytes));
    const nonce = derive('Content-Encoding: nonce\0', 12);
    const cipher = createDecipheriv('aes-128-gcm', derive('Content-Encoding: aes128gcm\0', 16), nonce);
    cipher.setAuthTag(record.subarray(-16));
    const text = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
    return text.subarray(0, text.lastIndexOf(2)).toString();
  }
}
