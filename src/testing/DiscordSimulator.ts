/**
 * Discord's webhook API in memory: webhooks, messages and their files, threads, the endpoints for
 * Slack and GitHub, validation, rate limits and faults, as a state machine over the Effect `Clock`.
 * It is served as an `HttpClient` (deterministic under `TestClock`) or as a real HTTP server, which
 * browsers may call, too.
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
import { addInteraction, respondToInteraction } from "./simulator/operations/interaction.js"
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
export type { BucketModel } from "./simulator/bucket.js"
export type { Outcome, RateLimitScope } from "./simulator/http/exchange.js"
export type { Operation, WebhookOperation } from "./simulator/http/route.js"
export type { RecordedFile, Statistics, TrafficRecord } from "./simulator/traffic.js"

/**
 * A webhook of the simulator. `url` is what the Discord client would show for copying.
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
 * A command that somebody used in a text channel of its own: what Discord would send to the
 * application, as far as `InteractionWebhook.make` needs it.
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
 * The initial response of an application: a message, or `deferred` with the content still to come.
 *
 * @since 0.1.0
 * @category models
 */
export interface InitialResponse {
  readonly deferred?: boolean | undefined
  readonly ephemeral?: boolean | undefined
  readonly content?: string | undefined
}

/**
 * An interaction to create.
 *
 * - `applicationId`: by default a new application
 * - `response`: what the application has responded with, by default `{ deferred: true }`. `"none"`
 *   leaves that to `respond`; until then follow-ups get 404 and code 10015
 *
 * @since 0.1.0
 * @category models
 */
export interface InteractionOptions {
  readonly applicationId?: string | undefined
  readonly response?: InitialResponse | "none" | undefined
}

/**
 * A thread of the channel of a webhook.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedThread {
  readonly id: string
  readonly webhookId: string
}

/**
 * A thread as it is now. `messages` counts those ever sent to it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ThreadState extends SimulatedThread {
  readonly name: string
  readonly appliedTags: ReadonlyArray<string>
  readonly archived: boolean
  readonly locked: boolean
  readonly messages: number
}

/**
 * A thread to make or to change. By default it is named `thread`, active and open.
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
 * What people set up in a channel.
 *
 * - `tags`: ids of the tags that a forum offers; `requireTag` refuses posts without one
 * - `slowmode`: time between two messages of a webhook in one place. Default none, and Discord as
 *   a rule spares webhooks
 * - `permission`: `"missingPermissions"` lets webhooks read only (code 50013), `"missingAccess"`
 *   not even that (code 50001)
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
 * A file that hangs on a message, as its webhook's `files` answers it. `filename` is the name
 * Discord made of the one that was sent.
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
 * A webhook to create, by default in a new text channel.
 *
 * - `name`: default `"Captain Hook"`
 * - `channel`: its kind, by default `"text"`. Forum and media channels want a thread for every
 *   message
 * - `channelId`: puts it into the channel of another webhook, which decides the kind
 * - `applicationOwned`: belongs to an application, so that it may send every component
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
 * Which requests a fault strikes and how often. `match` is an operation or a predicate (default:
 * every request), `times` how many of them (default 1; `Infinity` for all).
 *
 * @since 0.1.0
 * @category models
 */
export interface FaultOptions {
  readonly match?: Operation | ((target: FaultTarget) => boolean) | undefined
  readonly times?: number | undefined
}

/**
 * What a test can do to the simulated Discord, and see of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** A new webhook, as somebody with MANAGE_WEBHOOKS would make it. */
  readonly createWebhook: (options?: WebhookOptions) => Effect.Effect<SimulatedWebhook>
  /** A new interaction. Its token is valid for 15 minutes of the `Clock`: then code 50027. */
  readonly createInteraction: (options?: InteractionOptions) => Effect.Effect<SimulatedInteraction>
  /** The application's initial response, which this SDK does not send. */
  readonly respond: (
    interaction: SimulatedInteraction,
    response: InitialResponse,
  ) => Effect.Effect<void>
  /** Deletes it: from now on its requests get 404 and code 10015. */
  readonly deleteWebhook: (webhook: SimulatedWebhook) => Effect.Effect<void>
  /** Changes the channel of a webhook: its tags, its slowmode, what webhooks may do in it. */
  readonly updateChannel: (
    webhook: SimulatedWebhook,
    changes: ChannelOptions,
  ) => Effect.Effect<void>
  /** A new thread in the webhook's channel. */
  readonly createThread: (
    webhook: SimulatedWebhook,
    options?: ThreadOptions & { readonly appliedTags?: ReadonlyArray<string> | undefined },
  ) => Effect.Effect<SimulatedThread>
  /** Renames, archives or locks a thread, or undoes it. */
  readonly updateThread: (thread: SimulatedThread, changes: ThreadOptions) => Effect.Effect<void>
  /** Deletes a thread with its messages. */
  readonly deleteThread: (thread: SimulatedThread) => Effect.Effect<void>
  /** The threads of the webhook's channel, in the order in which they were made. */
  readonly threads: (webhook: SimulatedWebhook) => Effect.Effect<ReadonlyArray<ThreadState>>
  /** The messages of a webhook or an interaction that exist, oldest first, as Discord's JSON. */
  readonly messages: (
    sender: SimulatedWebhook | SimulatedInteraction,
  ) => Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>>
  /** The files of those messages, oldest first, with the bytes that were kept. */
  readonly files: (
    sender: SimulatedWebhook | SimulatedInteraction,
  ) => Effect.Effect<ReadonlyArray<SimulatedFile>>
  /** Lets the next requests go wrong. Of several faults the first that matches strikes. */
  readonly inject: (fault: Fault, options?: FaultOptions) => Effect.Effect<void>
  /** Takes back every fault that has not struck. */
  readonly clearFaults: Effect.Effect<void>
  /** Changes options while it runs: limits, latency, skew. Messages and open windows stay. */
  readonly configure: (changes: Omit<Options, "seed" | "origin">) => Effect.Effect<void>
  /** Another client takes slots of the webhook; answers how many it got. */
  readonly consume: (webhook: SimulatedWebhook, requests: number) => Effect.Effect<number>
  /** Answers the webhook's requests with a shared 429 until `retryAfter` is over. */
  readonly applySharedLimit: (
    webhook: SimulatedWebhook,
    options: {
      readonly retryAfter: Duration.DurationInput
      readonly code?: number | undefined
    },
  ) => Effect.Effect<void>
  /** Every bucket shows another hash from now on. */
  readonly rotateBuckets: Effect.Effect<void>
  /** The requests so far, in the order of arrival. */
  readonly traffic: Effect.Effect<ReadonlyArray<TrafficRecord>>
  /** The counts so far. */
  readonly statistics: Effect.Effect<Statistics>
  /** Forgets traffic and counts. */
  readonly clearTraffic: Effect.Effect<void>
  /** The network that leads to it: Discord's hosts, and no other. */
  readonly httpClient: HttpClient.HttpClient
  /** Serves it over the given server until the scope closes. */
  readonly serve: Effect.Effect<ServerAddress, never, HttpServer.HttpServer | Scope.Scope>
}

/**
 * Where a served simulator listens: `origin` is `http://127.0.0.1:PORT`, `baseUrl` adds `/api/v10`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerAddress {
  readonly origin: string
  readonly baseUrl: string
}

/**
 * A simulated Discord.
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
 * A simulator of its own, with nothing in it. Options out of range are defects that name the option.
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
 * The simulator with its defaults: 5 messages per 2 s, 50 requests per second, no latency.
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
 * An `HttpClient` that leads to the simulator. Other hosts than Discord's are not found.
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
 * The simulator and the `HttpClient` that leads to it: all that a test of a program needs.
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
 * Serves the simulator over an `HttpServer` until the scope closes; requests without answer are cut
 * then. Time on the way is real time.
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

/** A change of the world, at the clock's time. */
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
  if (found === undefined) throw new RangeError("the simulator has no such interaction")
  return found
}

/** A test that names a webhook which does not exist is wrong: a defect, not an error. */
function requireWebhook(state: State, id: string): Webhook {
  const webhook = state.webhooks.get(id)
  if (webhook === undefined) throw new RangeError(`the simulator has no webhook ${id}`)
  return webhook
}
