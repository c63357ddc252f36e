/** Answers every request at once, in a process of its own, so that the caller's CPU is its alone. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { answers, headersAt } from "./answer.js"

const server = createServer((request, response) => {
  const kind = request.url?.includes("/text") === true ? "text" : "embed"
  request.resume().on("end", () => {
    response.writeHead(200, headersAt(Date.now())).end(answers[kind])
  })
})

server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as AddressInfo).port)
})
process.on("disconnect", () => process.exit())
