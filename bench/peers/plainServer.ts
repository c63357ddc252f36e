/**
 * A server that responds at once, from a process of its own: it costs less than the simulator, so
 * that clients are not measured while they wait for it. It counts requests per webhook and window,
 * with a limit that no library reaches.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { answerOf } from "../cost/answer.js"
import { answer } from "./remote.js"

/** dfx divides the period by the limit, and waits longer than it should below a millisecond. */
const limit = 1_000_000
const periodMs = 600_000

interface Window {
  sent: number
  readonly endsAt: number
}

const windows = new Map<string, Window>()

function count(path: string, now: number): Window {
  const known = windows.get(path)
  const window =
    known !== undefined && known.endsAt > now ? known : { sent: 0, endsAt: now + periodMs }
  if (window !== known) windows.set(path, window)
  window.sent += 1
  return window
}

const server = createServer((request, response) => {
  const [path = "", query = ""] = (request.url ?? "").split("?")
  request.resume().on("end", () => {
    const now = Date.now()
    const { sent, endsAt } = count(path, now)
    const headers = {
      "x-ratelimit-bucket": "b1d2c3b4a5f60718293a4b5c6d7e8f90",
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": String(limit - sent),
      "x-ratelimit-reset": (endsAt / 1000).toFixed(3),
      "x-ratelimit-reset-after": ((endsAt - now) / 1000).toFixed(3),
    }
    if (query.includes("wait=true")) {
      const text = answerOf("embed", path)
      const length = Buffer.byteLength(text)
      response
        .writeHead(200, {
          ...headers,
          "content-type": "application/json",
          "content-length": length,
        })
        .end(text)
    } else {
      response.writeHead(204, headers).end()
    }
  })
})

const listening = new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))

const commands = {
  baseUrl: async (): Promise<string> => {
    await listening
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v10`
  },
}

export type PlainServerCommands = typeof commands

answer(commands)
