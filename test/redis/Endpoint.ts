/** An address that leads to one server after another, like that of a managed Redis. */
import { connect, createServer, type Server, type Socket } from "node:net"
import { findPort } from "../support/server.js"

export class Endpoint {
  readonly url: string
  /** The port to which new connections lead. */
  target: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.url = `redis://127.0.0.1:${port}`
    this.target = target
  }

  static async open(target: number): Promise<Endpoint> {
    const port = await findPort()
    const server = createServer()
    const endpoint = new Endpoint(server, port, target)
    server.on("connection", (client) => endpoint.#forward(client))
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
    return endpoint
  }

  #forward(client: Socket): void {
    const upstream = connect(this.target, "127.0.0.1")
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.pipe(other)
      socket.on("error", () => other.destroy())
      socket.on("close", () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }

  /** From now on, nothing comes from open connections, as if the machine had lost its power. */
  silence(): void {
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
