/**
 * The same job with bottleneck's clustering: a limiter for each webhook that starts a request every 400 ms,
 * which is 5 in 2 seconds. Its reservoirs, which would allow bursts, are refreshed in multiples of 5 seconds
 * when limits are shared. Requests are sent with `fetch`, and repeated after a response 429.
 */
import { setTimeout as sleep } from "node:timers/promises"
import Bottleneck from "bottleneck"
import { Redis } from "ioredis"
import { serve } from "../sender.js"
import type { Send, Setup } from "../sender.js"

async function open({ baseUrl, prefix, redisPort }: Setup): Promise<Send> {
  const connection = new Bottleneck.IORedisConnection({
    client: new Redis({ host: "127.0.0.1", port: redisPort, maxRetriesPerRequest: null }),
    Redis,
  })
  // Without a listener, an error of the connection would end the process.
  connection.on("error", () => {})
  const group = new Bottleneck.Group({ id: prefix, connection, minTime: 400 })
  group.on("created", (limiter) => {
    limiter.on("error", () => {})
    limiter.on("failed", () => {})
  })
  const post = async (url: string, content: string): Promise<void> => {
    for (;;) {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ content }),
      })
      const body = (await response.json()) as { readonly retry_after?: number }
      if (response.ok) return
      if (response.status !== 429) throw new Error(`status ${response.status}`)
      await sleep((body.retry_after ?? 1) * 1000)
    }
  }
  return ({ id, token }, content) =>
    group.key(id).schedule(() => post(`${baseUrl}/webhooks/${id}/${token}?wait=true`, content))
}

serve(open)
