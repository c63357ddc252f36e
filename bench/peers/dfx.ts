/** dfx over the platform's client for undici, with its limiter in memory. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { DiscordConfig, DiscordREST, DiscordRESTMemoryLive } from "dfx"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { inFibers } from "./inFibers.js"
import { message, type Peer, type Setup } from "./peer.js"

/** No global limit, as for all libraries, and no log. */
export async function dfx({ baseUrl, wait = true }: Setup): Promise<Peer> {
  const config = DiscordConfig.layer({
    token: Redacted.make("none"),
    // With less than a millisecond for each request it waits longer than it should.
    rest: { baseUrl, globalRateLimit: { limit: 1_000_000, window: "1 hour" } },
  })
  const runtime = ManagedRuntime.make(
    Layer.provide(DiscordRESTMemoryLive, [
      config,
      NodeHttpClient.layerUndici,
      Logger.remove(Logger.defaultLogger),
    ]),
  )
  const rest = await runtime.runPromise(DiscordREST)
  return {
    send: (lanes, took) =>
      inFibers(runtime, lanes, took, ({ id, token }) =>
        rest.executeWebhook(id, token, { params: { wait }, payload: message }),
      ),
    tracked: () => 0,
    close: () => runtime.dispose(),
  }
}
