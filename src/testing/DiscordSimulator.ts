/**
 * An in-memory simulator of Discord's webhook API: webhooks, messages, files, threads, the Slack
 * and GitHub endpoints, validation, rate limits and faults. It uses the Effect `Clock`, and is
 * available as an `HttpClient` (deterministic under `TestClock`) or as an HTTP server, which
 * browsers can use as well.
 *
 * @since 0.1.0
 * @module
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpServer from "@effect/platform/HttpServer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Fault, FaultTarget } from "./Fault.js"
import * as commands from "./simulator/commands.js"
import type { Operation } from "./simulator/http/route.js"
import {
  addInteraction,
  type InitialResponse,
  respondToInteraction,
} from "./simulator/operations/interaction.js"
import { getWebhookUrl } from "./simulator/operations/webhooks.js"
import type { Options } from "./simulator/options.js"
import {
  clearTraffic,
  readRecords,
  readStatistics,
  type Statistics,
  type TrafficRecord,
} from "./simulator/traffic.js"
import { makeHttpClient } from "./simulator/transport/httpClient.js"
import { serveHttp } from "./simulator/transport/httpServer.js"
import {
  addWebhook,
  makeState,
  type MessageJson,
  type Webhook,
  type State,
} from "./simulator/state.js"

export type {
  BlockOptions,
  BucketOptions,
  HiddenLimitOptions,
  Latency,
  LatencyOptions,
  LimitOptions,
  Options,
} from "./simulator/options.js"
export type { InitialResponse } from "./simulator/operations/interaction.js"
export type { BucketModel } from "./simulator/bucket.js"
export type { Outcome, RateLimitScope } from "./simulator/http/exchange.js"
export type { Operation, WebhookOperation } from "./simulator/http/route.js"
export type { RecordedFile, Statistics, TrafficRecord } from "./simulator/traffic.js"

/**
 * A webhook of the simulator. `url` is the URL that the Discord client shows.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedWebhook {
  readonly id: string
  readonly token: string
  readonly url: string
  readonly channelId: string
}

/**
 * An interaction of a command in its own text channel: the fields that `InteractionWebhook.make`
 * requires.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedInteraction {
  readonly id: string
  readonly applicationId: string
  readonly token: string
  readonly channelId: string
}

/**
 * An interaction to create.
 *
 * - `applicationId`: default a new application
 * - `response`: the initial response of the application, default `{ deferred: true }`. With
 *   `"none"`, follow-ups get 404 and code 10015 until `respond` is called
 *
 * @since 0.1.0
 * @category models
 */
export interface InteractionOptions {
  readonly applicationId?: string | undefined
  readonly response?: InitialResponse | "none" | undefined
}

/**
 * A thread in the channel of a webhook.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedThread {
  readonly id: string
  readonly webhookId: string
}

/**
 * The state of a thread. `messages` is the number of messages sent to it, including deleted ones.
 *
 * @since 0.1.0
 * @category models
 */
export interface ThreadState extends SimulatedThread {
  readonly name: string
  readonly appliedTags: ReadonlyArray<string>
  readonly archived: boolean
  readonly locked: boolean
  /** Messages that were sent to it; deleted ones still count. */
  readonly messages: number
}

/**
 * The properties of a thread. Default: named `thread`, neither archived nor locked.
 *
 * @since 0.1.0
 * @category models
 */
export interface ThreadOptions {
  readonly name?: string | undefined
  readonly archived?: boolean | undefined
  readonly locked?: boolean | undefined
}

/**
 * The settings of a channel.
 *
 * - `tags`: ids of the tags that a forum offers; `requireTag` rejects posts without one
 * - `slowmode`: minimum time between two messages of a webhook in the channel or a thread. Default
 *   none; Discord usually exempts webhooks
 * - `permission`: `"missingPermissions"` allows webhooks to read only (code 50013),
 *   `"missingAccess"` rejects all requests (code 50001)
 *
 * @since 0.1.0
 * @category models
 */
export interface ChannelOptions {
  readonly tags?: ReadonlyArray<string> | undefined
  readonly requireTag?: boolean | undefined
  readonly slowmode?: Duration.DurationInput | undefined
  readonly permission?: "granted" | "missingPermissions" | "missingAccess" | undefined
}

/**
 * A file of a message. `filename` is the name after Discord's normalization.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedFile {
  readonly id: string
  readonly messageId: string
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/**
 * A webhook to create.
 *
 * - `name`: default `"Captain Hook"`
 * - `channel`: the type of its channel, default `"text"`. Forum and media channels require a thread
 *   for every message
 * - `channelId`: the channel of an existing webhook, which determines the type. Default a new
 *   channel
 * - `applicationOwned`: whether the webhook belongs to an application and may send every component
 *
 * @since 0.1.0
 * @category models
 */
export interface WebhookOptions extends ChannelOptions {
  readonly name?: string | undefined
  readonly channel?: "text" | "announcement" | "forum" | "media" | undefined
  readonly channelId?: string | undefined
  readonly applicationOwned?: boolean | undefined
}

/**
 * The requests that a fault applies to. `match` is an operation or a predicate (default every
 * request), `times` the number of requests (default 1; `Infinity` for all).
 *
 * @since 0.1.0
 * @category models
 */
export interface FaultOptions {
  readonly match?: Operation | ((target: FaultTarget) => boolean) | undefined
  readonly times?: number | undefined
}

/**
 * The operations of a simulator.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Creates a webhook. */
  readonly createWebhook: (options?: WebhookOptions) => Effect.Effect<SimulatedWebhook>
  /**
   * Creates an interaction. Its token is valid for 15 minutes of the `Clock`; later requests get
   * code 50027.
   */
  readonly createInteraction: (options?: InteractionOptions) => Effect.Effect<SimulatedInteraction>
  /** Sends the initial response of the application, which is not part of this SDK. */
  readonly respond: (
    interaction: SimulatedInteraction,
    response: InitialResponse,
  ) => Effect.Effect<void>
  /** Deletes a webhook. Later requests get 404 and code 10015. */
  readonly deleteWebhook: (webhook: SimulatedWebhook) => Effect.Effect<void>
  /** Changes the settings of a webhook's channel. */
  readonly updateChannel: (
    webhook: SimulatedWebhook,
    changes: ChannelOptions,
  ) => Effect.Effect<void>
  /** Creates a thread in the webhook's channel. */
  readonly createThread: (
    webhook: SimulatedWebhook,
    options?: ThreadOptions & { readonly appliedTags?: ReadonlyArray<string> | undefined },
  ) => Effect.Effect<SimulatedThread>
  /** Renames, archives, unarchives, locks or unlocks a thread. */
  readonly updateThread: (thread: SimulatedThread, changes: ThreadOptions) => Effect.Effect<void>
  /** Deletes a thread with its messages. */
  readonly deleteThread: (thread: SimulatedThread) => Effect.Effect<void>
  /** Returns the threads of the webhook's channel, oldest first. */
  readonly threads: (webhook: SimulatedWebhook) => Effect.Effect<ReadonlyArray<ThreadState>>
  /**
   * Returns the existing messages of a webhook or an interaction as Discord's JSON, oldest first.
   */
  readonly messages: (
    sender: SimulatedWebhook | SimulatedInteraction,
  ) => Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>>
  /** Returns the stored files of those messages, oldest first. */
  readonly files: (
    sender: SimulatedWebhook | SimulatedInteraction,
  ) => Effect.Effect<ReadonlyArray<SimulatedFile>>
  /**
   * Injects a fault into the next matching requests. Of several matching faults the first applies.
   */
  readonly inject: (fault: Fault, options?: FaultOptions) => Effect.Effect<void>
  /** Removes all remaining faults. */
  readonly clearFaults: Effect.Effect<void>
  /** Changes options of the running simulator. Messages and open rate limit windows are kept. */
  readonly configure: (changes: Omit<Options, "seed" | "origin">) => Effect.Effect<void>
  /**
   * Takes slots of the webhook as another client would. Returns the number of accepted requests.
   */
  readonly consume: (webhook: SimulatedWebhook, requests: number) => Effect.Effect<number>
  /** Rejects the webhook's requests with a `shared` 429 until `retryAfter` has elapsed. */
  readonly applySharedLimit: (
    webhook: SimulatedWebhook,
    options: {
      readonly retryAfter: Duration.DurationInput
      readonly code?: number | undefined
    },
  ) => Effect.Effect<void>
  /** Gives every bucket a new hash. */
  readonly rotateBuckets: Effect.Effect<void>
  /** Returns the recorded requests, in the order of arrival. */
  readonly traffic: Effect.Effect<ReadonlyArray<TrafficRecord>>
  /** Returns the counters. */
  readonly statistics: Effect.Effect<Statistics>
  /** Clears the recorded requests and the counters. */
  readonly clearTraffic: Effect.Effect<void>
  /** A client connected to the simulator. Hosts other than Discord's are not found. */
  readonly httpClient: HttpClient.HttpClient
  /** Serves the simulator until the scope closes. */
  readonly serve: Effect.Effect<ServerAddress, never, HttpServer.HttpServer | Scope.Scope>
}

/**
 * The address of a served simulator: `origin` is `http://127.0.0.1:PORT`, `baseUrl` appends
 * `/api/v10`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerAddress {
  readonly origin: string
  readonly baseUrl: string
}

/**
 * The simulator as a service.
 *
 * @since 0.1.0
 * @category tags
 * @example
 * ```ts
 * import * as HttpClient from "@effect/platform/HttpClient"
 * import { Effect } from "effect"
 * import { DiscordSimulator } from "effect-discord/testing"
 *
 * const program = Effect.gen(function* () {
 *   const simulator = yield* DiscordSimulator.DiscordSimulator
 *   const webhook = yield* simulator.createWebhook()
 *   const response = yield* HttpClient.get(webhook.url)
 *   const [request] = yield* simulator.traffic
 *   return [response.status, request?.operation]
 * }).pipe(Effect.provide(DiscordSimulator.layerTest))
 * ```
 */
export class DiscordSimulator extends Context.Tag("effect-discord/testing/DiscordSimulator")<
  DiscordSimulator,
  Service
>() {}

/**
 * Makes an empty simulator. An option out of range is a defect that names the option.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator } from "effect-discord/testing"
 *
 * const program = Effect.gen(function* () {
 *   const simulator = yield* DiscordSimulator.make({ globalLimit: "none" })
 *   return yield* simulator.createWebhook({ channel: "forum" })
 * })
 * ```
 */
export const make = (options: Options = {}): Effect.Effect<Service> =>
  Effect.map(Clock.currentTimeMillis, (now) => makeService(makeState(options, now)))

/**
 * The simulator with the default options: 5 messages per 2 s, 50 requests per second, no latency.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
 * import { Layer } from "effect"
 * import { DiscordSimulator } from "effect-discord/testing"
 * import { createServer } from "node:http"
 *
 * const overSocket = Layer.merge(
 *   DiscordSimulator.layer,
 *   NodeHttpServer.layer(() => createServer(), { port: 0 })
 * )
 * ```
 */
export const layer: Layer.Layer<DiscordSimulator> = Layer.effect(DiscordSimulator, make())

/**
 * The simulator with options.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import { DiscordSimulator } from "effect-discord/testing"
 *
 * const leaking = DiscordSimulator.layerWith({
 *   limits: { execute: { limit: 5, period: "2 seconds", model: "leaking" } },
 *   latency: { request: "40 millis", response: (random) => 20 + 40 * random() }
 * })
 * ```
 */
export const layerWith = (options: Options): Layer.Layer<DiscordSimulator> =>
  Layer.effect(DiscordSimulator, make(options))

/**
 * An `HttpClient` connected to the simulator. Hosts other than Discord's are not found.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { DiscordSimulator } from "effect-discord/testing"
 *
 * const slow = DiscordSimulator.layerWith({ latency: "120 millis" })
 * const layer = Layer.provideMerge(DiscordSimulator.layerHttpClient, slow)
 * ```
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, DiscordSimulator> =
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(DiscordSimulator, (simulator) => simulator.httpClient),
  )

/**
 * The simulator and its `HttpClient`, as most tests require.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as HttpClient from "@effect/platform/HttpClient"
 * import { Effect } from "effect"
 * import { DiscordSimulator } from "effect-discord/testing"
 *
 * const status = HttpClient.get("https://discord.com/api/v10/webhooks/1/abc").pipe(
 *   Effect.map((response) => response.status), // 404
 *   Effect.provide(DiscordSimulator.layerTest)
 * )
 * ```
 */
export const layerTest: Layer.Layer<DiscordSimulator | HttpClient.HttpClient> = Layer.provideMerge(
  layerHttpClient,
  layer,
)

/**
 * `layerTest` with options.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import { DiscordSimulator } from "effect-discord/testing"
 *
 * const hidden = DiscordSimulator.layerTestWith({
 *   hiddenLimit: { limit: 30, period: "60 seconds" }
 * })
 * ```
 */
export const layerTestWith = (
  options: Options,
): Layer.Layer<DiscordSimulator | HttpClient.HttpClient> =>
  Layer.provideMerge(layerHttpClient, layerWith(options))

/**
 * Serves the simulator on an `HttpServer` until the scope closes, which resets connections with a
 * pending request. Latency is in real time.
 *
 * @since 0.1.0
 * @category operations
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator } from "effect-discord/testing"
 *
 * const program = Effect.gen(function* () {
 *   const simulator = yield* DiscordSimulator.DiscordSimulator
 *   const { baseUrl } = yield* DiscordSimulator.serve
 *   const { id, token } = yield* simulator.createWebhook()
 *   return `${baseUrl}/webhooks/${id}/${token}`
 * })
 * ```
 */
export const serve: Effect.Effect<
  ServerAddress,
  never,
  DiscordSimulator | HttpServer.HttpServer | Scope.Scope
> = Effect.flatMap(DiscordSimulator, (simulator) => simulator.serve)

function makeService(state: State): Service {
  return {
    createWebhook: (options = {}) => sync((now) => createWebhook(state, now, options)),
    createInteraction: (options = {}) => sync((now) => createInteraction(state, now, options)),
    respond: ({ token }, response) =>
      sync((now) => respondToInteraction(state, now, requireInteraction(state, token), response)),
    deleteWebhook: ({ id }) => sync(() => void state.webhooks.delete(id)),
    updateChannel: ({ id }, changes) =>
      sync(() => commands.updateChannel(requireWebhook(state, id).channel, changes)),
    createThread: (webhook, options = {}) =>
      sync((now) => ({
        id: commands.createThread(state, now, requireWebhook(state, webhook.id), options).id,
        webhookId: webhook.id,
      })),
    updateThread: ({ id, webhookId }, changes) =>
      sync(() => commands.updateThread(requireWebhook(state, webhookId), id, changes)),
    deleteThread: ({ id, webhookId }) =>
      sync(() => commands.deleteThread(state, requireWebhook(state, webhookId), id)),
    threads: ({ id: webhookId }) =>
      sync(() =>
        Array.from(requireWebhook(state, webhookId).channel.threads.values(), (thread) => ({
          ...thread,
          webhookId,
        })),
      ),
    messages: (sender) =>
      sync(() =>
        Array.from(
          findSender(state, sender)?.messages.values() ?? [],
          ({ json }): MessageJson => json,
        ),
      ),
    files: (sender) => sync(() => commands.listFiles(state, findSender(state, sender))),
    inject: (fault, options = {}) => sync(() => commands.injectFault(state, fault, options)),
    clearFaults: sync(() => void state.faults.splice(0)),
    configure: (changes) => sync(() => commands.updateOptions(state, changes)),
    consume: (webhook, requests) =>
      sync((now) => commands.consumeSlots(state, now, requireWebhook(state, webhook.id), requests)),
    applySharedLimit: ({ id }, options) =>
      sync((now) => commands.applySharedLimit(state, now, id, options)),
    rotateBuckets: sync(() => commands.rotateHashes(state)),
    traffic: sync(() => readRecords(state.traffic, state.config.maxTrafficRecords)),
    statistics: sync(() => readStatistics(state.traffic)),
    clearTraffic: sync(() => clearTraffic(state.traffic)),
    httpClient: makeHttpClient(state),
    serve: serveHttp(state),
  }
}

function sync<A>(change: (now: number) => A): Effect.Effect<A> {
  return Effect.map(Clock.currentTimeMillis, change)
}

function createWebhook(state: State, now: number, options: WebhookOptions): SimulatedWebhook {
  const webhook = addWebhook(state, now, {
    name: options.name ?? "Captain Hook",
    kind: options.channel ?? "text",
    channelId: options.channelId,
    tags: options.tags ?? [],
    requiresTag: options.requireTag ?? false,
    applicationOwned: options.applicationOwned ?? false,
  })
  const { id, token, channel } = webhook
  commands.updateChannel(channel, options)
  return { id, token, url: getWebhookUrl(state, webhook), channelId: channel.id }
}

function createInteraction(
  state: State,
  now: number,
  { applicationId, response = { deferred: true } }: InteractionOptions,
): SimulatedInteraction {
  const webhook = addInteraction(state, now, applicationId)
  if (response !== "none") respondToInteraction(state, now, webhook, response)
  const { channel, id, interaction, token } = webhook
  return { id: interaction?.id ?? id, applicationId: id, token, channelId: channel.id }
}

function findSender(
  state: State,
  sender: SimulatedWebhook | SimulatedInteraction,
): Webhook | undefined {
  return "applicationId" in sender
    ? state.interactions.get(sender.token)
    : state.webhooks.get(sender.id)
}

function requireInteraction(state: State, token: string): Webhook {
  const found = state.interactions.get(token)
  if (found === undefined) throw new RangeError("DiscordSimulator: unknown interaction")
  return found
}

/** An unknown webhook is a mistake of the test, so it is a defect. */
function requireWebhook(state: State, id: string): Webhook {
  const webhook = state.webhooks.get(id)
  if (webhook === undefined) throw new RangeError(`DiscordSimulator: unknown webhook ${id}`)
  return webhook
}
