/**
 * A server that misbehaves by seed, in a process of its own. It reads HTTP by hand, so that it sees
 * of a request what no HTTP library would show: that only a part of it arrived.
 *
 * Its parent sends `{ seed, sends, timeout }` to begin and `"report"` to get the ledger.
 */
import { createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { faultOf } from "./faults.js"
import type { Entry } from "./ledger.js"

export interface Begin {
  readonly seed: number
  readonly sends: number
  /** Of the caller's requests (milliseconds). */
  readonly timeout: number
}

let begun: Begin = { seed: 0, sends: 0, timeout: 0 }
let arrivals = new Uint16Array(0)
let stored = new Uint16Array(0)

const message = (id: number): string =>
  JSON.stringify({
    id: String(id + 1),
    channel_id: "1",
    content: "",
    author: { id: "1", username: "Captain Hook" },
    timestamp: "2026-01-01T00:00:00.000000+00:00",
  })

const head = (status: string, type: string, length: number, more = ""): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n${more}\r\n`

const json = (status: string, body: string, more = ""): string =>
  head(status, "application/json", Buffer.byteLength(body), more) + body

/** Handles the requests of one connection, one after the other. */
function serve(socket: Socket): void {
  let text = ""
  let open: { readonly id: number; readonly arrival: number } | undefined
  socket.on("error", () => undefined)
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1")
    for (;;) {
      const id = /thread_id=(\d+) HTTP/.exec(text)?.[1]
      if (open === undefined && id !== undefined) {
        open = { id: Number(id), arrival: increment(arrivals, Number(id)) }
        const { name } = faultOf(begun.seed, open.id, open.arrival)
        if (name === "reset after the head of the request") {
          socket.resetAndDestroy()
          return
        }
      }
      const body = bodyEnd(text)
      if (open === undefined || body === undefined) return
      text = text.slice(body)
      respond(socket, open.id, open.arrival)
      open = undefined
    }
  })
}

/** Counts one more; the count before. */
function increment(counts: Uint16Array, index: number): number {
  const before = counts[index] ?? 0
  counts[index] = before + 1
  return before
}

/** Where the first request ends; `undefined` while a part of it is missing. */
function bodyEnd(text: string): number | undefined {
  const end = text.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1]
  if (length !== undefined) {
    const whole = end + 4 + Number(length)
    return text.length >= whole ? whole : undefined
  }
  const last = text.indexOf("\r\n0\r\n\r\n", end)
  return last === -1 ? undefined : last + 7
}

function respond(socket: Socket, id: number, arrival: number): void {
  const fault = faultOf(begun.seed, id, arrival)
  if (fault.stores) increment(stored, id)
  const whole = json("200 OK", message(id))
  const later = (text: string, milliseconds: number): void =>
    void setTimeout(() => socket.writable && socket.write(text), milliseconds)
  const responses: Readonly<Record<string, () => unknown>> = {
    "reset after the request": () => socket.resetAndDestroy(),
    "stored, then reset": () => socket.resetAndDestroy(),
    "stored, then half a response": () =>
      socket.write(whole.slice(0, -9), () => socket.resetAndDestroy()),
    "stored, then half a head": () => socket.end("HTTP/1.1 200 OK\r\ncontent-"),
    "no response": () => undefined,
    "stored, no response": () => undefined,
    "stored, late response": () => later(whole, 3 * begun.timeout),
    "500": () => socket.write(json("500 Internal Server Error", "{}")),
    "stored, then 502": () => socket.write(head("502 Bad Gateway", "text/html", 4) + "<p/>"),
    "429": () => socket.write(limited({ retry_after: 0.005, global: false })),
    "429 without delay": () => socket.write(limited({ code: 30046 })),
    "307": () => socket.write(head("307 Temporary Redirect", "text/plain", 0, "location: /\r\n")),
    "421": () => socket.write(json("421 Misdirected Request", "{}")),
    "100 Continue first": () => socket.write("HTTP/1.1 100 Continue\r\n\r\n" + whole),
    "103 Early Hints first": () =>
      socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + whole),
    "not HTTP": () => socket.end("SSH-2.0-OpenSSH\r\n"),
    "HTML with status 200": () => socket.write(head("200 OK", "text/html", 6) + "<html>"),
    "response in pieces": () => {
      socket.write(whole.slice(0, 20))
      later(whole.slice(20, -5), 2)
      later(whole.slice(-5), 4)
    },
    "response, then the connection ends": () => socket.end(whole),
  }
  const act = responses[fault.name] ?? (() => socket.write(whole))
  act()
}

/** Shared, so that it does not count against the budget of invalid requests. */
function limited(body: object): string {
  const text = JSON.stringify({ message: "You are being rate limited.", ...body })
  return json("429 Too Many Requests", text, "x-ratelimit-scope: shared\r\n")
}

const server = createServer(serve)
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
process.on("message", (text: Begin | "report") => {
  if (text === "report") {
    const ledger = Array.from(arrivals, (count, id): Entry => ({
      arrivals: count,
      stored: stored[id] ?? 0,
    }))
    process.send?.(ledger)
    return
  }
  begun = text
  arrivals = new Uint16Array(text.sends)
  stored = new Uint16Array(text.sends)
  process.send?.("begun")
})
process.on("disconnect", () => process.exit())
