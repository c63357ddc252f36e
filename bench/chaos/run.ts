/** Sends messages through one client to the misbehaving server, and notes what the SDK said of each. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import type { WebhookError } from "../../src/index.js"
import { NodeDiscord } from "../../src/node/index.js"
import { random } from "./faults.js"
import type { Result, Told } from "./ledger.js"

export const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  "NodeDiscord.layerHttpClient": Layer.orDie(NodeDiscord.layerHttpClientWith({ connections: 64 })),
  "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
  "NodeHttpClient.layer": NodeHttpClient.layer,
  "FetchHttpClient.layer": FetchHttpClient.layer,
}

export interface Options {
  readonly client: Layer.Layer<HttpClient.HttpClient>
  readonly port: number
  readonly seed: number
  readonly sends: number
  /** Of one request (milliseconds). */
  readonly timeout: number
}

/**
 * Messages in flight at once, each to a webhook of its own; as many as `NodeDiscord` has connections.
 * With more than the processor carries, clients that do not report the start of a request count its
 * time in their own queues, and send what they call in doubt too late.
 */
const atOnce = 64

/** After this a send counts as one that never ends. */
const patience = Duration.minutes(2)

/** One of 20 sends is interrupted, up to 50 ms after it began. */
const interruptedAfter = (seed: number, id: number): number | undefined =>
  random(seed, id, 1000) < 0.05 ? random(seed, id, 1001) * 50 : undefined

export interface Ran {
  readonly results: ReadonlyArray<Result>
  /** Requests that the limiter still waits for, or counts as in flight, after the last has ended. */
  readonly stillCounted: number
}

export const run = ({ client, port, seed, sends, timeout }: Options): Effect.Effect<Ran> =>
  Effect.gen(function* () {
    const limiter = yield* RateLimiter.RateLimiter
    const hooks = yield* Effect.forEach(Array.from({ length: atOnce }), (_, index) =>
      Webhook.make({ id: String(index + 1), token: `chaos-token-${index}-${"x".repeat(60)}` }),
    )
    const results: Array<Result> = Array.from({ length: sends }, () => ({
      told: "never ended",
      succeeded: false,
    }))
    let next = 0
    const worker = (hook: Webhook.Webhook) =>
      Effect.gen(function* () {
        while (next < sends) {
          const id = next++
          const send = Webhook.send(hook, { content: `message ${id}` }, { threadId: String(id) })
          results[id] = yield* resultOf(send, interruptedAfter(seed, id))
        }
      })
    yield* Effect.forEach(hooks, worker, { concurrency: "unbounded", discard: true })
    const { inFlight, waiting } = yield* limiter.snapshot
    return { results, stillCounted: inFlight + waiting }
  }).pipe(
    RestConfig.withOptions({
      baseUrl: `http://127.0.0.1:${port}/api/v10`,
      timeout,
      connectionTimeout: 10 * timeout,
      backoffBase: 5,
      backoffMax: 20,
    }),
    Effect.provide([
      client,
      RateLimiter.layerMemoryWith({ globalLimit: 1_000_000 }),
      Strategy.layerReactive,
    ]),
    Logger.withMinimumLogLevel(LogLevel.None),
    Effect.orDie,
  )

function resultOf<R>(
  send: Effect.Effect<unknown, WebhookError.WebhookError, R>,
  limit: number | undefined,
): Effect.Effect<Result, never, R> {
  if (limit === undefined) {
    return Effect.either(send).pipe(
      Effect.map(said),
      Effect.disconnect,
      Effect.timeoutTo({
        duration: patience,
        onSuccess: (result) => result,
        onTimeout: (): Result => ({ told: "never ended", succeeded: false }),
      }),
    )
  }
  return Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.either(send))
    yield* Effect.raceFirst(Fiber.await(fiber), Effect.sleep(Duration.millis(limit)))
    yield* Fiber.interrupt(fiber)
    const exit = yield* Fiber.await(fiber)
    return Option.match(Exit.match(exit, { onFailure: Option.none, onSuccess: Option.some }), {
      onNone: (): Result => ({ told: "none", succeeded: false }),
      onSome: said,
    })
  })
}

function said(result: Either.Either<unknown, WebhookError.WebhookError>): Result {
  return Either.match(result, {
    onRight: (): Result => ({ told: "yes", succeeded: true }),
    onLeft: (error): Result => ({ told: toldBy(error), succeeded: false }),
  })
}

/** An error without `delivered` says that Discord rejected the message. */
function toldBy(error: WebhookError.WebhookError): Told {
  return "delivered" in error ? error.delivered : "no"
}
