// A cable between a browser and the server, which can be cut.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Cable {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  #whole = true;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Lays a cable between two ports of this machine. */
  static async lay(near: number, port: number): Promise<Cable> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      if (!cable.#whole) return socket.destroy();
      const far = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [socket, far],
        [far, socket],
      ] as const) {
        sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    server.listen(near, '127.0.0.1');
    await once(server, 'listening');
    const cable: Cable = new Cable(server, sockets);
    return cable;
  }

  /** Everything on it is lost, in both directions; nothing new gets through. */
  cut(): void {
    this.#whole = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.#whole = true;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
