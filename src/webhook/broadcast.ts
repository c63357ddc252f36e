import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { WebhookError } from "../error/WebhookError.js"
import type { Message } from "../model/Message.js"
import type { Requirements } from "../rest/pipeline.js"
import { isDeferred } from "../rest/upload/file.js"
import { deliver, isDead } from "./batchSender.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"

/**
 * The outcome at one webhook: the stored message, or the cause of the failure. If a send was
 * interrupted, the message may have arrived.
 *
 * @since 0.1.0
 * @category models
 */
export interface BroadcastResult {
  readonly webhook: Webhook
  readonly exit: Exit.Exit<Message, WebhookError>
}

/**
 * The outcome at all webhooks.
 *
 * @since 0.1.0
 * @category models
 */
export interface Broadcast {
  /** One result for each webhook, in their order. */
  readonly results: ReadonlyArray<BroadcastResult>
  /** The webhooks that no longer exist; remove their stored URLs. */
  readonly dead: ReadonlyArray<Webhook>
}

/**
 * Options of a broadcast.
 *
 * @since 0.1.0
 * @category models
 */
export interface BroadcastOptions<R = never> {
  /** Maximum number of concurrent sends. Default: 10. */
  readonly concurrency?: number | "unbounded" | undefined
  /**
   * Called with each result as soon as it is available. It is uninterruptible, and is also called
   * for sends that an interruption of the broadcast aborts; to webhooks without a call nothing was
   * sent.
   */
  readonly onResult?: ((result: BroadcastResult) => Effect.Effect<void, never, R>) | undefined
}

const defaultConcurrency = 10

const ignore = (): Effect.Effect<void> => Effect.void

/**
 * Sends one message to many webhooks. It never fails: the results contain each outcome. Duplicate
 * webhooks are removed. Each webhook has its own rate limit, and all share the global one.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const announce = (hooks: ReadonlyArray<Webhook.Webhook>) =>
 *   Effect.gen(function* () {
 *     const { dead, results } = yield* Webhook.broadcast(hooks, { content: "Version 2 is out" })
 *     yield* Effect.log(`${results.length - dead.length} webhooks are alive`)
 *     return dead
 *   })
 * ```
 *
 * @since 0.1.0
 * @category programs
 */
export const broadcast = <R = never>(
  webhooks: Iterable<Webhook>,
  message: MessageInput,
  options: BroadcastOptions<R> = {},
): Effect.Effect<Broadcast, never, Requirements | R> => {
  const deliveries = Effect.suspend(() => {
    const { concurrency = defaultConcurrency, onResult = ignore } = options
    return Effect.forEach(
      removeDuplicates(webhooks),
      (webhook) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.exit(restore(deliver("Webhook.broadcast", webhook, message, {}))).pipe(
            Effect.map((exit): BroadcastResult => ({ webhook, exit })),
            Effect.tap(onResult),
          ),
        ),
      { concurrency },
    )
  })
  return Effect.map(deliveries, (results) => ({
    results,
    dead: results.filter(isDeadResult).map(({ webhook }) => webhook),
  }))
}

/** In the order of their first occurrence. */
function removeDuplicates(webhooks: Iterable<Webhook>): ReadonlyArray<Webhook> {
  // Untyped callers may pass a URL, whose characters would be iterated.
  if (typeof webhooks === "string" || isDeferred(webhooks) || !Predicate.isIterable(webhooks)) {
    throw new TypeError(
      "Webhook.broadcast: expected an array of Webhook; Webhook.send takes a single one",
    )
  }
  let seen = HashSet.empty<Webhook>()
  return Array.from(webhooks).filter((webhook) => {
    const isNew = !HashSet.has(seen, webhook)
    seen = HashSet.add(seen, webhook)
    return isNew
  })
}

function isDeadResult({ exit }: BroadcastResult): boolean {
  return Exit.isFailure(exit) && Option.exists(Cause.failureOption(exit.cause), isDead)
}
