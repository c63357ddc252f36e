import type * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import type * as Chunk from "effect/Chunk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as MergeDecision from "effect/MergeDecision"
import * as Sink from "effect/Sink"
import type { WebhookError } from "../error/WebhookError.js"
import type { Carrier } from "../rest/rest.js"
import { carryAll, carryOne } from "./courier.js"
import type { Courier } from "./courier.js"
import type { Webhook } from "./credentials.js"
import type { MessageInput } from "./files.js"
import { isFull, together } from "./gather.js"
import { Outbox } from "./outbox.js"

/**
 * How a sink sends.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkOptions {
  /** As of `Webhook.send`. */
  readonly threadId?: string | null | undefined
  /**
   * Puts messages that are embeds and nothing else into one message, as many as came within this
   * time and fit: 10 embeds, 6000 code points. They must agree in name, avatar, mentions and flags.
   * Left out, each message goes by itself and at once.
   */
  readonly batchWithin?: Duration.DurationInput | undefined
}

/**
 * What a sink does about a message that did not get through. When the effect succeeds, the sink
 * goes on with the next message; when it fails, so does the sink. Of messages that were put
 * together the message holds all embeds.
 *
 * @since 0.1.0
 * @category models
 */
export type OnSinkError<E, R> = (
  error: WebhookError,
  message: MessageInput,
) => Effect.Effect<void, E, R>

/** One batch may gather while another is on its way. */
const capacity = 10

/**
 * A `Sink` that sends every message of a stream to a webhook, in order and one request at a time,
 * and answers how many arrived. It asks the stream for more when Discord has taken what was there;
 * with `batchWithin`, while at most one batch is on its way and another gathers.
 *
 * When a message does not get through, the sink fails and the stream ends. When the stream fails,
 * what it gave before is delivered first. Interruption stops at once: the message on its way may
 * have arrived, and those that wait for a batch are dropped.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import type { MessageCreate } from "effect-discord"
 * import { Stream } from "effect"
 *
 * const post = (hook: Webhook.Webhook, alerts: Stream.Stream<MessageCreate.MessageCreate>) =>
 *   Stream.run(alerts, Webhook.sink(hook, { batchWithin: "2 seconds" }))
 * ```
 *
 * @since 0.1.0
 * @category programs
 */
export function sink(
  webhook: Webhook,
  options?: SinkOptions & { readonly onError?: undefined },
): Sink.Sink<number, MessageInput, never, WebhookError, Carrier>
/**
 * A sink that decides itself what to do about a message that did not get through.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * // Goes on unless the webhook is dead.
 * const patient = (hook: Webhook.Webhook) =>
 *   Webhook.sink(hook, {
 *     onError: (error) => (Webhook.isDead(error) ? Effect.fail(error) : Effect.logWarning(error.message)),
 *   })
 * ```
 *
 * @since 0.1.0
 * @category programs
 */
export function sink<E, R>(
  webhook: Webhook,
  options: SinkOptions & { readonly onError: OnSinkError<E, R> },
): Sink.Sink<number, MessageInput, never, E, Carrier | R>
export function sink<E, R>(
  webhook: Webhook,
  options: SinkOptions & { readonly onError?: OnSinkError<E, R> | undefined } = {},
): Sink.Sink<number, MessageInput, never, E | WebhookError, Carrier | R> {
  const { batchWithin, onError = Effect.fail, ...place } = options
  const courier: Courier<E | WebhookError, R> = { webhook, place, onError }
  return batchWithin === undefined ? oneByOne(courier) : inBatches(courier, batchWithin)
}

function oneByOne<E, R>(
  courier: Courier<E, R>,
): Sink.Sink<number, MessageInput, never, E, Carrier | R> {
  return Sink.foldLeftEffect(0, (arrived: number, message: MessageInput) =>
    Effect.map(carryOne(courier, message), (more) => arrived + more),
  ).pipe(Sink.ignoreLeftover)
}

/** One fiber reads the stream, another sends; whoever fails first ends both. */
function inBatches<E, R>(
  courier: Courier<E, R>,
  window: Duration.DurationInput,
): Sink.Sink<number, MessageInput, never, E, Carrier | R> {
  return Sink.unwrapScoped(
    Effect.gen(function* () {
      const outbox = new Outbox<MessageInput>({ capacity, window, isFull, batch: together })
      const sending = yield* Effect.forkScoped(carryAll(courier, outbox))
      return Sink.fromChannel(
        Channel.mergeWith(filling(outbox, sending), {
          other: Channel.fromEffect(Fiber.join(sending)),
          onSelfDone: (end) => MergeDecision.Done(end),
          onOtherDone: (end) =>
            Exit.isSuccess(end) ? MergeDecision.Await((itself) => itself) : MergeDecision.Done(end),
        }),
      )
    }),
  )
}

/** What came before a failure of the stream is sent before the failure goes on. */
function filling<E>(
  outbox: Outbox<MessageInput>,
  sending: Fiber.Fiber<number, E>,
): Channel.Channel<never, Chunk.Chunk<MessageInput>, E, never, number> {
  const closed = Effect.zipRight(
    Effect.sync(() => outbox.close()),
    Fiber.join(sending),
  )
  return Channel.readWithCause({
    onInput: (messages: Chunk.Chunk<MessageInput>) =>
      Channel.flatMap(
        Channel.fromEffect(Effect.forEach(messages, (one) => outbox.add(one), { discard: true })),
        () => filling(outbox, sending),
      ),
    onFailure: (cause: Cause.Cause<never>) =>
      Channel.fromEffect(Effect.zipRight(Effect.exit(closed), Effect.failCause(cause))),
    onDone: () => Channel.fromEffect(closed),
  })
}
