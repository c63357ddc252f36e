/** This SDK over `NodeDiscord.layerHttpClient`, with each of its strategies. */
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

export const strategies = {
  reactive: Strategy.layerReactive,
  proactive: Strategy.layerProactive,
  adaptive: Strategy.layerAdaptive,
}

/** Connections stay open from one measurement to the next, as those of the other peers do. */
const connections = ManagedRuntime.make(NodeDiscord.layerHttpClient)

const cannedClient = HttpClient.make((request) =>
  Effect.sync(() =>
    HttpClientResponse.fromWeb(
      request,
      new Response(null, { status: 204, headers: cannedHeaders }),
    ),
  ),
)

/** No global limit, as for all peers. */
export async function ours(
  { baseUrl, idleAfter, canned }: Setup,
  strategy: Layer.Layer<Strategy.Strategy>,
): Promise<Peer> {
  const client =
    canned === true
      ? Layer.succeed(HttpClient.HttpClient, cannedClient)
      : Layer.effect(
          HttpClient.HttpClient,
          Effect.promise(() => connections.runPromise(HttpClient.HttpClient)),
        )
  const limiter = RateLimiter.layerMemoryWith({
    globalLimit: 1_000_000,
    ...(idleAfter === undefined ? {} : { idleAfter: Duration.millis(idleAfter) }),
  })
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(client, limiter, strategy, RestConfig.layerWith({ baseUrl })),
  )
  // Made when it is opened, as the other peers are, and not by the first message.
  await runtime.runtime()
  const send = Effect.fnUntraced(function* (target: Target) {
    const hook = yield* Webhook.make(target)
    yield* Webhook.send(hook, message, { wait: canned !== true })
  })
  return {
    send: (lanes, took) => inFibers(runtime, lanes, took, send),
    tracked: () =>
      runtime.runSync(
        Effect.flatMap(RateLimiter.RateLimiter, (limits) =>
          Effect.map(limits.snapshot, ({ buckets }) => buckets),
        ),
      ),
    close: () => runtime.dispose(),
  }
}
