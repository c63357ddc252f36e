/** A server that reads forms with a parser that is not ours, and writes down what has arrived. */
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { readFileSync } from "node:fs"
import type { AddressInfo, Socket } from "node:net"
import busboy from "busboy"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

interface ReceivedFile {
  readonly field: string
  readonly filename: string
  readonly mimeType: string
  readonly bytes: Buffer
}

interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  /** The `payload_json`, or the body of a request without files. */
  readonly payload: unknown
  readonly files: ReadonlyArray<ReceivedFile>
}

export interface FormServer {
  readonly baseUrl: string
  /** Whole requests. */
  readonly received: Array<Received>
  /** Requests that ended before they were whole. */
  readonly cut: () => number
  /** Connections that are open now. */
  readonly sockets: () => number
}

/** What happens to request number `index`. `early` acts before anything of the body is read. */
export interface Behaviour {
  readonly early?: (incoming: IncomingMessage, response: ServerResponse, index: number) => boolean
  readonly answer?: (received: Received, response: ServerResponse, index: number) => void
}

const message = readFileSync(new URL("../golden/responses/message.json", import.meta.url), "utf8")

/** Discord's response for a stored message. */
const stored = (_: Received, response: ServerResponse): void => {
  response.setHeader("content-type", "application/json").end(message)
}

export const formServer = (
  behaviour: Behaviour = {},
): Effect.Effect<FormServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<readonly [ReturnType<typeof createServer>, FormServer]>((resume) => {
        const made = serverOf(behaviour)
        made[0].listen(0, "127.0.0.1", () => {
          const { port } = made[0].address() as AddressInfo
          resume(Effect.succeed([made[0], { ...made[1], baseUrl: `http://127.0.0.1:${port}` }]))
        })
      }),
      ([server]) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        }),
    ),
    ([, server]) => server,
  )

function serverOf({ answer = stored, early = () => false }: Behaviour) {
  const received: Array<Received> = []
  const sockets = new Set<Socket>()
  let cut = 0
  let count = 0
  const server = createServer((incoming, response) => {
    const index = count
    count += 1
    incoming.on("error", () => undefined)
    incoming.on("close", () => {
      if (!incoming.complete) cut += 1
    })
    if (early(incoming, response, index)) return
    parse(incoming, (whole) => {
      received.push(whole)
      answer(whole, response, index)
    })
  })
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  return [server, { received, cut: () => cut, sockets: () => sockets.size }] as const
}

function parse(incoming: IncomingMessage, done: (received: Received) => void): void {
  const { headers, method = "", url = "" } = incoming
  const end = (payload: unknown, files: ReadonlyArray<ReceivedFile>): void =>
    done({ method, url, headers, payload, files })
  if (headers["content-type"]?.startsWith("multipart/") !== true) {
    const chunks: Array<Buffer> = []
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
    incoming.on("end", () => end(jsonOf(Buffer.concat(chunks).toString()), []))
    return
  }
  const files: Array<ReceivedFile> = []
  let payload: unknown
  const form = busboy({ headers, defParamCharset: "utf8", limits: { fieldSize: Infinity } })
  form.on("field", (name, value) => {
    if (name === "payload_json") payload = jsonOf(value)
  })
  form.on("file", (field, stream, { filename, mimeType }) => {
    const chunks: Array<Buffer> = []
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("close", () =>
      files.push({ field, filename: filename ?? "", mimeType, bytes: Buffer.concat(chunks) }),
    )
  })
  form.on("error", () => undefined)
  form.on("close", () => end(payload, files))
  incoming.pipe(form)
}

function jsonOf(text: string): unknown {
  return text === "" ? undefined : (JSON.parse(text) as unknown)
}
