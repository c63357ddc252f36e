import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import type * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as MergeDecision from "effect/MergeDecision"
import * as Option from "effect/Option"
import * as Sink from "effect/Sink"
import type { WebhookError } from "../error/WebhookError.js"
import type { Requirements } from "../rest/pipeline.js"
import { BatchQueue } from "./batchQueue.js"
import {
  countMergeable,
  drain,
  isBatchFull,
  sendAll,
  sendOne,
  shutdownTimeout,
} from "./batchSender.js"
import type { BatchSender } from "./batchSender.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"

/**
 * Options of a sink.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkOptions<R = never> {
  /** The same as for `Webhook.send`. */
  readonly threadId?: string | null | undefined
  /**
   * Merges messages that contain only embeds into one message: as many as arrive within this time,
   * up to 10 embeds and 6000 code points. They must have the same name, avatar, mentions and flags.
   * Omitted, each message is sent separately and at once.
   */
  readonly batchWithin?: Duration.DurationInput | undefined
  /**
   * With `batchWithin`: how long an interruption waits until the messages that the sink has
   * received are sent. Default: 5 seconds.
   */
  readonly shutdownTimeout?: Duration.DurationInput | undefined
  /**
   * Handles a message that could not be sent. If the effect succeeds, the sink continues with the
   * next message; if it fails, so does the sink. For merged messages, the message contains all
   * embeds. Omitted, the sink fails with the error.
   */
  readonly onError?:
    | ((error: WebhookError, message: MessageInput) => Effect.Effect<void, WebhookError, R>)
    | undefined
}

/** One batch can be collected while another is in flight. */
const queueCapacity = 10

/**
 * A `Sink` that sends every message of a stream to a webhook, in order and one request at a time.
 * It returns the number of sent messages. It pulls from the stream when a request has ended; with
 * `batchWithin`, it collects one batch while another is in flight.
 *
 * If a message cannot be sent, the sink fails and the stream ends. If the stream fails, earlier
 * messages are sent first. Interruption stops immediately, and the message in flight may have
 * arrived; with `batchWithin`, the messages received before are sent first, for at most
 * `shutdownTimeout`, and a warning reports how many were not.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import type { MessageCreate } from "effect-discord"
 * import { Effect, Stream } from "effect"
 *
 * const post = (hook: Webhook.Webhook, alerts: Stream.Stream<MessageCreate.MessageCreate>) =>
 *   Stream.run(alerts, Webhook.sink(hook, { batchWithin: "2 seconds" }))
 *
 * // Continues unless the webhook is dead.
 * const patient = (hook: Webhook.Webhook) =>
 *   Webhook.sink(hook, {
 *     onError: (error) =>
 *       Webhook.isDead(error) ? Effect.fail(error) : Effect.logWarning(error.message),
 *   })
 * ```
 *
 * @since 0.1.0
 * @category programs
 */
export const sink = <R = never>(
  webhook: Webhook,
  options: SinkOptions<R> = {},
): Sink.Sink<number, MessageInput, never, WebhookError, Requirements | R> => {
  const { batchWithin, onError = Effect.fail, shutdownTimeout: limit, ...place } = options
  const sender: BatchSender<WebhookError, R> = {
    operation: "Webhook.sink",
    webhook,
    place,
    onError,
  }
  return batchWithin === undefined
    ? sendOneByOne(sender)
    : sendInBatches(sender, batchWithin, Duration.decode(limit ?? shutdownTimeout))
}

function sendOneByOne<E, R>(
  sender: BatchSender<E, R>,
): Sink.Sink<number, MessageInput, never, E, Requirements | R> {
  return Sink.foldLeftEffect(0, (arrived: number, message: MessageInput) =>
    Effect.map(sendOne(sender, message), (more) => arrived + more),
  ).pipe(Sink.ignoreLeftover)
}

/** One fiber reads the stream, another one sends; a failure of either ends both. */
function sendInBatches<R>(
  sender: BatchSender<WebhookError, R>,
  window: Duration.DurationInput,
  limit: Duration.Duration,
): Sink.Sink<number, MessageInput, never, WebhookError, Requirements | R> {
  return Sink.unwrapScoped(
    Effect.gen(function* () {
      const queue = new BatchQueue<MessageInput>({
        capacity: queueCapacity,
        window,
        isFull: isBatchFull,
        batch: countMergeable,
      })
      const sending = yield* Effect.acquireRelease(
        Effect.forkDaemon(Effect.interruptible(sendAll(sender, queue))),
        (running, exit) => finishSending(queue, running, Exit.isInterrupted(exit), limit),
      )
      return Sink.fromChannel(
        Channel.mergeWith(fillQueue(queue, sending), {
          other: Channel.fromEffect(Fiber.join(sending)),
          onSelfDone: (end) => MergeDecision.Done(end),
          onOtherDone: (end) =>
            Exit.isSuccess(end) ? MergeDecision.Await((itself) => itself) : MergeDecision.Done(end),
        }),
      )
    }),
  )
}

/** Waits up to `limit` until the received messages are sent, and logs how many were not. */
function finishSending(
  queue: BatchQueue<MessageInput>,
  sending: Fiber.Fiber<number, WebhookError>,
  isInterrupted: boolean,
  limit: Duration.Duration,
): Effect.Effect<void> {
  return Effect.gen(function* () {
    const exit = yield* drain(queue, sending, limit)
    // Otherwise the sink itself fails with the error.
    if (!isInterrupted || Exit.isSuccess(exit)) return
    const { remaining } = queue
    const messages = remaining === 1 ? "a message was" : `${remaining} messages were`
    const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
    const why = error === undefined ? " in time" : `: ${error.message}`
    yield* Effect.logWarning(`Webhook.sink was interrupted, and ${messages} not sent${why}`)
  })
}

/** Messages before a failure of the stream are sent before the failure is propagated. */
function fillQueue<E>(
  queue: BatchQueue<MessageInput>,
  sending: Fiber.Fiber<number, E>,
): Channel.Channel<never, Chunk.Chunk<MessageInput>, E, never, number> {
  const closed = Effect.zipRight(
    Effect.sync(() => queue.close()),
    Fiber.join(sending),
  )
  return Channel.readWithCause({
    onInput: (messages: Chunk.Chunk<MessageInput>) =>
      Channel.flatMap(Channel.fromEffect(queue.addAll(messages)), () => fillQueue(queue, sending)),
    onFailure: (cause: Cause.Cause<never>) =>
      Channel.fromEffect(Effect.zipRight(Effect.exit(closed), Effect.failCause(cause))),
    onDone: () => Channel.fromEffect(closed),
  })
}
