/** Answers every request at once, in a process of its own, so that the caller's CPU is its alone. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { answerOf, headersAt } from "./answer.js"

const server = createServer((request, response) => {
  const path = request.url ?? ""
  const kind = path.includes("/text") ? "text" : "embed"
  request.resume().on("end", () => {
    const text = answerOf(kind, path)
    const headers = { ...headersAt(Date.now()), "content-length": Buffer.byteLength(text) }
    response.writeHead(200, headers).end(text)
  })
})

server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as AddressInfo).port)
})
process.on("disconnect", () => process.exit())
