/** `fetch` alone: no limit, no check, no retry. */
import { inLanes, message, type Peer, type Setup } from "./peer.js"

const headers = { "content-type": "application/json", "user-agent": "DiscordBot (bench, 1)" }

export function rawFetch({ baseUrl, wait = true }: Setup): Peer {
  return {
    send: (lanes, took) =>
      inLanes(lanes, took, async ({ id, token }) => {
        const url = `${baseUrl}/webhooks/${id}/${token}?wait=${wait}`
        const body = JSON.stringify(message)
        const response = await fetch(url, { method: "POST", headers, body })
        return wait ? response.json() : response.arrayBuffer()
      }),
    tracked: () => 0,
    close: () => Promise.resolve(),
  }
}
