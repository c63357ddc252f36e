/** Connections that are being established end with the layer, not at their time limit. */
import { buildConnector } from "@effect/platform-node/Undici"
import { Duplex } from "node:stream"

export interface Connector {
  readonly connect: buildConnector.connector
  /** Ends what is not established yet; undici's dispatchers end the rest. */
  readonly close: () => void
}

/** `timeout` is in milliseconds. */
export function make(timeout: number): Connector {
  const connecting = new Set<Duplex>()
  const connect = buildConnector({ timeout })
  return {
    connect: (options, callback) => {
      // Its types do not say that undici returns the socket.
      const socket: unknown = connect(options, (...result) => {
        if (isSocket(socket)) connecting.delete(socket)
        callback(...result)
      })
      if (isSocket(socket)) connecting.add(socket)
    },
    close: () => {
      for (const socket of connecting) socket.destroy(new Error("the layer is closed"))
    },
  }
}

function isSocket(value: unknown): value is Duplex {
  return value instanceof Duplex
}
