/** undici alone: no limit, no check, no retry. What a request costs at least. */
import { Agent, request } from "undici"
import { inLanes, message, type Peer, type Setup } from "./peer.js"

export function rawUndici({ baseUrl }: Setup): Peer {
  const dispatcher = new Agent()
  const headers = { "content-type": "application/json", "user-agent": "DiscordBot (bench, 1)" }
  return {
    send: (lanes, took) =>
      inLanes(lanes, took, async ({ id, token }) => {
        const url = `${baseUrl}/webhooks/${id}/${token}?wait=true`
        const body = JSON.stringify(message)
        const answer = await request(url, { method: "POST", headers, body, dispatcher })
        return answer.body.json()
      }),
    tracked: () => 0,
    close: () => dispatcher.close(),
  }
}
