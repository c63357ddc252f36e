/** `@discordjs/rest` as discord.js' `WebhookClient` uses it: `REST#post` on the webhook's route. */
import { REST, type ResponseLike } from "@discordjs/rest"
import { cannedHeaders, inLanes, message, type Peer, type Setup } from "./peer.js"

/** Node's types and the browser's disagree on how streams are read; this one is empty. */
const respondInProcess = (headers: Record<string, string>) => async (): Promise<ResponseLike> =>
  new Response(null, { status: 204, headers }) as unknown as ResponseLike

/**
 * No global limit by default, as for all libraries. `offset` is added to every reset: 50 ms by default, chosen
 * for windows of seconds.
 */
export function discordjs(setup: Setup, offset?: number): Peer {
  const { baseUrl, wait = true, idleAfter, canned, globalLimit = 1_000_000 } = setup
  const rest = new REST({
    api: baseUrl.replace(/\/v\d+$/, ""),
    version: "10",
    globalRequestsPerSecond: globalLimit,
    ...(offset === undefined ? {} : { offset }),
    ...(idleAfter === undefined
      ? {}
      : { handlerSweepInterval: idleAfter, hashSweepInterval: idleAfter, hashLifetime: idleAfter }),
    ...(canned === undefined ? {} : { makeRequest: respondInProcess(cannedHeaders[canned]) }),
  })
  const query = new URLSearchParams({ wait: String(wait) })
  return {
    send: (lanes, took) =>
      inLanes(lanes, took, ({ id, token }) =>
        rest.post(`/webhooks/${id}/${token}`, { body: message, query, auth: false }),
      ),
    tracked: () => Math.max(rest.handlers.size, rest.hashes.size),
    close: async () => {
      rest.clearHandlerSweeper()
      rest.clearHashSweeper()
    },
  }
}
