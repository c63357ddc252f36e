/** Answers every request with one message, from a process of its own: `server.js`. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const message = JSON.stringify({
  id: "1234567890123456789",
  type: 0,
  content: "Deploying ...",
  channel_id: "1134567890123456789",
  author: { id: "1034567890123456789", username: "Deploys", avatar: null, bot: true },
  attachments: [],
  embeds: [],
  mentions: [],
  mention_roles: [],
  pinned: false,
  mention_everyone: false,
  tts: false,
  timestamp: "2026-01-01T00:00:00.000000+00:00",
  edited_timestamp: null,
  flags: 0,
  components: [],
  webhook_id: "1034567890123456789",
})

const headers = {
  "content-type": "application/json",
  "x-ratelimit-bucket": "f7cf3a1aa05b7f4d6ad8ec1a39d0bd28",
  "x-ratelimit-limit": "5",
  "x-ratelimit-remaining": "4",
  "x-ratelimit-reset-after": "2",
}

const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, headers).end(message))
})
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
