/** A Worker that sends messages, one for each request, and shows the limiter that they share. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { FileUpload, RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"

/** The body of a request to the Worker. */
export interface WorkerRequest {
  readonly url: string
  readonly baseUrl: string
  readonly text: string
  readonly upload: boolean
  readonly timeout: Duration.DurationInput
}

const send = ({ text, upload, url }: WorkerRequest) =>
  Effect.gen(function* () {
    const hook = yield* Webhook.fromUrl(url)
    const bytes = new TextEncoder().encode(text)
    const files = upload
      ? [FileUpload.fromStream("a.txt", { size: bytes.length, stream: Stream.make(bytes) })]
      : []
    yield* Webhook.send(hook, { content: text, files })
    return "sent"
  }).pipe(
    Effect.catchAll((error) =>
      Effect.succeed("delivered" in error ? `${error._tag} ${error.delivered}` : error._tag),
    ),
  )

const snapshot = Effect.gen(function* () {
  const limiter = yield* RateLimiter.RateLimiter
  const { inFlight, waiting } = yield* limiter.snapshot
  return JSON.stringify({ inFlight, waiting })
})

// oxlint-disable-next-line import/no-default-export
export default {
  async fetch(request: Request): Promise<Response> {
    const order = (await request.json()) as WorkerRequest
    const discord = Layer.mergeAll(
      FetchHttpClient.layer,
      RateLimiter.layer,
      Strategy.layerAdaptive,
      RestConfig.layerWith({ baseUrl: order.baseUrl, timeout: order.timeout, maxRetries: 0 }),
    )
    const { pathname } = new URL(request.url)
    const program = pathname === "/snapshot" ? snapshot : send(order)
    return new Response(await Effect.runPromise(Effect.provide(program, discord)))
  },
}
