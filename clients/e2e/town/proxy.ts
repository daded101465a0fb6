// A small reverse proxy of the test's own: it has the server below a path of its site, and something else beside it.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ProxyOptions {
  /** Where the proxy listens. */
  readonly near: number;
  /** Where the server does. */
  readonly far: number;
  /** Below which path it has the server: `/chat`. */
  readonly path: string;
  /** Whether it takes the path off before it passes a request on. */
  readonly strips: boolean;
}

export class Proxy {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  /** Requests that are not below the path: the site's other pages would have got them. */
  readonly astray: string[] = [];

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  }

  static async open({ near, far, path, strips }: ProxyOptions): Promise<Proxy> {
    const server = createServer();
    server.listen(near, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new Proxy(server, path);
    const passed = (asked: IncomingMessage) => {
      const url = asked.url ?? '/';
      if (url !== path && !url.startsWith(`${path}/`)) {
        proxy.astray.push(url);
        return null;
      }
      const rest = strips ? url.slice(path.length) || '/' : url;
      return request({
        host: '127.0.0.1',
        port: far,
        method: asked.method,
        path: rest,
        headers: asked.headers,
      });
    };
    server.on('request', (asked, answer) => {
      const on = passed(asked);
      if (!on) return void answer.writeHead(404).end('The page of somebody else.');
      on.on('response', (back) => {
        answer.writeHead(back.statusCode ?? 502, back.headers);
        back.pipe(answer);
      });
      on.on('error', () => answer.destroy());
      asked.pipe(on);
    });
    server.on('upgrade', (asked: IncomingMessage, socket: Duplex) => {
      const on = passed(asked);
      if (!on) return void socket.destroy();
      on.on('upgrade', (back, behind) => {
        const fields = Object.entries(back.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('')}\r\n`);
        proxy.#join(socket, behind);
      });
      on.on('response', () => socket.destroy());
      on.on('error', () => socket.destroy());
      on.end();
    });
    return proxy;
  }

  #join(one: Duplex, other: Duplex): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
