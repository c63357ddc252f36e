/** This SDK over the client of `NodeDiscord`, or the platform's for `fetch`, with each strategy. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { inFibers } from "./inFibers.js"
import { cannedHeaders, message, type Peer, type Setup, type Target } from "./peer.js"

const strategies = {
  reactive: Strategy.layerReactive,
  proactive: Strategy.layerProactive,
  adaptive: Strategy.layerAdaptive,
}

/** Connections stay open from one measurement to the next, as those of the other libraries do. */
const connections = ManagedRuntime.make(NodeDiscord.layerHttpClient)

const clients = {
  node: Layer.effect(
    HttpClient.HttpClient,
    Effect.promise(() => connections.runPromise(HttpClient.HttpClient)),
  ),
  fetch: FetchHttpClient.layer,
}

function respondInProcess(headers: Record<string, string>): Layer.Layer<HttpClient.HttpClient> {
  return Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.sync(() =>
        HttpClientResponse.fromWeb(request, new Response(null, { status: 204, headers })),
      ),
    ),
  )
}

/** No global limit by default, as for all libraries. */
export async function ours(
  { baseUrl, wait = true, idleAfter, canned, globalLimit = 1_000_000 }: Setup,
  strategy: keyof typeof strategies,
  client: "node" | "fetch" = "node",
): Promise<Peer> {
  const limiter = RateLimiter.layerMemoryWith({
    globalLimit,
    ...(idleAfter === undefined ? {} : { idleAfter: Duration.millis(idleAfter) }),
  })
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(
      canned === undefined ? clients[client] : respondInProcess(cannedHeaders[canned]),
      limiter,
      strategies[strategy],
      RestConfig.layerWith({ baseUrl }),
    ),
  )
  // Built here, as the other libraries are, and not by the first message.
  await runtime.runtime()
  return {
    send: (lanes, took) => {
      // A program makes a webhook once, and sends many messages through it.
      const hooks = new Map<string, Webhook.Webhook>()
      const hookOf = (target: Target) => {
        const known = hooks.get(target.id)
        if (known !== undefined) return Effect.succeed(known)
        return Effect.tap(Webhook.make(target), (made) => void hooks.set(target.id, made))
      }
      return inFibers(runtime, lanes, took, (target) =>
        Effect.flatMap(hookOf(target), (hook) => Webhook.send(hook, message, { wait })),
      )
    },
    tracked: () =>
      runtime.runSync(
        Effect.flatMap(RateLimiter.RateLimiter, (limits) =>
          Effect.map(limits.snapshot, ({ buckets }) => buckets),
        ),
      ),
    close: () => runtime.dispose(),
  }
}
