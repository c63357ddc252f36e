/**
 * A durable outbox: what it accepts is sent, through crashes, deploys and machines.
 *
 * `send` stores a message and returns at once. A worker, in the same process or in another one, sends it in
 * the order of acceptance, retries it at the head of its webhook's queue, and records the result. The
 * engine decides where entries are: in memory (`layerMemory`), in an SQLite file
 * (`effect-discord/sqlite`), or in PostgreSQL (`effect-discord/sql`).
 *
 * @since 0.1.0
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DiscordInvalidOption } from "../error/WebhookError.js"
import type { ThreadCreate } from "../model/ThreadCreate.js"
import type { Requirements } from "../rest/pipeline.js"
import type { Webhook } from "../webhook/credentials.js"
import type { EditInput, MessageInput } from "../webhook/files.js"
import { Engine } from "./engine.js"
import type { Entry } from "./entry.js"
import { makeMemoryStore } from "./memoryStore.js"
import type {
  DiscordOutboxDead,
  DiscordOutboxNotFound,
  DiscordOutboxUnavailable,
  EnqueueError,
} from "./OutboxError.js"
import { makeOutbox } from "./service.js"
import type { EntryOptions } from "./enqueue.js"
import type { Options } from "./options.js"
import type { Delivered, ListOptions, Service, Stats } from "./service.js"
import { makeMemoryVault } from "./tokens.js"
import { runWorker } from "./worker.js"
import type { WorkerOptions } from "./workerOptions.js"

export { Engine } from "./engine.js"
export type { Entry, EntryError } from "./entry.js"
export type { EntryOptions } from "./enqueue.js"
export type { Options } from "./options.js"
export type { Delivered, ListOptions, Service, Stats } from "./service.js"
export type { WorkerOptions } from "./workerOptions.js"

/**
 * The outbox.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { NodeDiscord } from "effect-discord/node"
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
 *   const id = yield* Outbox.send(hook, { content: "Order 7" }, { key: "order-7" })
 *   const { messageId } = yield* Outbox.await(id)
 *   return messageId
 * })
 *
 * const OutboxLive = Outbox.worker().pipe(
 *   Layer.provideMerge(Outbox.layerMemory()),
 *   Layer.provide(NodeDiscord.layer),
 * )
 * const runnable = program.pipe(Effect.provide(OutboxLive))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Outbox extends Context.Tag("effect-discord/Outbox")<Outbox, Service>() {}

/**
 * Stores a message, and returns the id of the entry. The message is validated now, and its files are read
 * now; it fails as `Webhook.send` does if Discord would reject it.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 *
 * const notify = (hook: Webhook.Webhook, order: number) =>
 *   Outbox.send(
 *     hook,
 *     { content: `Order ${order} was paid` },
 *     { key: `order-${order}-paid`, expires: "1 day" },
 *   )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const send = (
  webhook: Webhook,
  message: MessageInput,
  options?: EntryOptions,
): Effect.Effect<string, EnqueueError, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.send(webhook, message, options))

/**
 * Stores an edit of a message, which is given by its id or by the id of the entry that sends it.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const progress = (hook: Webhook.Webhook) =>
 *   Effect.gen(function* () {
 *     const entry = yield* Outbox.send(hook, { content: "The deploy has started" })
 *     // Later: sent after the entry, whose message it edits.
 *     yield* Outbox.edit(hook, entry, { content: "The deploy is complete" })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const edit = (
  webhook: Webhook,
  message: string,
  changes: EditInput,
  options?: EntryOptions,
): Effect.Effect<string, EnqueueError, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.edit(webhook, message, changes, options))

/**
 * Stores the deletion of a message, which is given by its id or by the id of the entry that sends it.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 *
 * const retract = (hook: Webhook.Webhook, entry: string) => Outbox.delete(hook, entry)
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
const deleteMessage = (
  webhook: Webhook,
  message: string,
  options?: EntryOptions,
): Effect.Effect<string, EnqueueError, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.delete(webhook, message, options))

export { deleteMessage as delete }

/**
 * Stores a new thread of a forum or media channel with its first message.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 *
 * const open = (hook: Webhook.Webhook, incident: number) =>
 *   Outbox.createThread(hook, { name: `Incident ${incident}` }, { content: "What is known so far: ..." })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const createThread = (
  webhook: Webhook,
  thread: ThreadCreate,
  message: Omit<MessageInput, "threadName" | "appliedTags">,
  options?: Omit<EntryOptions, "threadId">,
): Effect.Effect<string, EnqueueError, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.createThread(webhook, thread, message, options))

/**
 * Waits until the entry is sent. Fails if it is dead, and with `DiscordOutboxNotFound` if there is no such
 * entry.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const post = (hook: Webhook.Webhook, content: string) =>
 *   Outbox.send(hook, { content }).pipe(
 *     Effect.flatMap(Outbox.await),
 *     Effect.map(({ messageId }) => messageId),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
const awaitEntry = (
  id: string,
): Effect.Effect<
  Delivered,
  DiscordOutboxDead | DiscordOutboxNotFound | DiscordOutboxUnavailable,
  Outbox
> => Effect.flatMap(Outbox, (outbox) => outbox.await(id))

export { awaitEntry as await }

/**
 * Returns an entry.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const state = (id: string) => Effect.map(Outbox.get(id), (entry) => entry.state)
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const get = (
  id: string,
): Effect.Effect<Entry, DiscordOutboxNotFound | DiscordOutboxUnavailable, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.get(id))

/**
 * Returns a page of entries in the order of acceptance.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import { Console, Effect } from "effect"
 *
 * const printDead = Effect.flatMap(Outbox.list({ state: "dead" }), (entries) =>
 *   Effect.forEach(entries, ({ error, id }) => Console.log(id, error?.reason, error?.message)),
 * )
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const list = (
  options?: ListOptions,
): Effect.Effect<ReadonlyArray<Entry>, DiscordOutboxUnavailable, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.list(options))

/**
 * Counts of entries, the age of the oldest, and the longest queues.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import { Duration, Effect } from "effect"
 *
 * const isLate = Effect.map(
 *   Outbox.stats,
 *   ({ oldest }) => oldest !== undefined && Duration.greaterThan(oldest, "5 minutes"),
 * )
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const stats: Effect.Effect<Stats, DiscordOutboxUnavailable, Outbox> = Effect.flatMap(
  Outbox,
  (outbox) => outbox.stats,
)

/**
 * Makes dead entries ready again, at their former place in the order. Returns how many were dead.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect } from "effect"
 *
 * const retryRejected = Effect.gen(function* () {
 *   const dead = yield* Outbox.list({ state: "dead" })
 *   const rejected = dead.filter(({ error }) => error?.reason === "rejected")
 *   return yield* Outbox.retry(...rejected.map(({ id }) => id))
 * })
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const retry = (
  ...ids: ReadonlyArray<string>
): Effect.Effect<number, DiscordOutboxUnavailable, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.retry(ids))

/**
 * Deletes entries that are ready or dead. Returns how many were.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 *
 * const drop = (id: string) => Outbox.discard(id)
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const discard = (
  ...ids: ReadonlyArray<string>
): Effect.Effect<number, DiscordOutboxUnavailable, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.discard(ids))

/**
 * Stops sending, of one webhook or of all. A request in flight ends first; entries can still be stored.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 *
 * const quiet = (webhookId: string) => Outbox.pause(webhookId)
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const pause = (webhookId?: string): Effect.Effect<void, DiscordOutboxUnavailable, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.pause(webhookId))

/**
 * Continues after `pause`. Without a webhook, it ends every pause.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 *
 * const resumeAll = Outbox.resume()
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const resume = (webhookId?: string): Effect.Effect<void, DiscordOutboxUnavailable, Outbox> =>
  Effect.flatMap(Outbox, (outbox) => outbox.resume(webhookId))

/**
 * Deletes the entries whose retention has ended, and returns their number. Workers do so every 10 minutes.
 *
 * @example
 * ```ts
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect, Schedule } from "effect"
 *
 * // For a program without a worker.
 * const sweeping = Effect.repeat(Outbox.sweep, Schedule.spaced("1 hour"))
 * ```
 *
 * @since 0.1.0
 * @category administration
 */
export const sweep: Effect.Effect<number, DiscordOutboxUnavailable, Outbox> = Effect.flatMap(
  Outbox,
  (outbox) => outbox.sweep,
)

/**
 * The outbox in the memory of this process: many producers, one queue for each webhook and a clean shutdown,
 * which sends what is stored before it ends. What a crash leaves is lost.
 *
 * @example
 * ```ts
 * import { NodeDiscord } from "effect-discord/node"
 * import { Outbox } from "effect-discord/outbox"
 * import { Layer } from "effect"
 *
 * const OutboxLive = Outbox.worker().pipe(
 *   Layer.provideMerge(Outbox.layerMemory({ capacity: { perWebhook: 1000 }, whenFull: "wait" })),
 *   Layer.provide(NodeDiscord.layer),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory = (
  options: Options = {},
): Layer.Layer<Outbox | Engine, DiscordInvalidOption> =>
  Layer.scopedContext(
    Effect.map(
      makeOutbox(makeMemoryStore(), makeMemoryVault(), false, options),
      ({ engine, outbox }) => Context.make(Outbox, outbox).pipe(Context.add(Engine, engine)),
    ),
  )

/**
 * Sends the entries of an outbox until the layer's scope closes. Any number of workers share an engine; each
 * webhook has one sender at a time. A shutdown lets the requests in flight end and starts no others, so
 * that a deploy leaves nothing in doubt.
 *
 * @example
 * ```ts
 * import { NodeDiscord } from "effect-discord/node"
 * import { Outbox } from "effect-discord/outbox"
 * import { Effect, Layer } from "effect"
 *
 * // Alerts may arrive twice; of other messages, a person decides.
 * const inDoubt = ({ key = "" }: Outbox.Entry) =>
 *   Effect.succeed(key.startsWith("alert-") ? ("resend" as const) : ("hold" as const))
 *
 * const WorkerLive = Outbox.worker({ concurrency: 100, inDoubt }).pipe(
 *   Layer.provide(NodeDiscord.layer),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const worker = (
  options: WorkerOptions = {},
): Layer.Layer<never, DiscordInvalidOption, Engine | Requirements> =>
  Layer.scopedDiscard(runWorker(options))
