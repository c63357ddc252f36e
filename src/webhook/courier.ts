/** Takes messages to a webhook, one request at a time, in their order. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { WebhookError } from "../error/WebhookError.js"
import type { Requirements } from "../rest/rest.js"
import type { Webhook } from "./credentials.js"
import { deliver } from "./deliver.js"
import type { MessageInput } from "./files.js"
import { gathered } from "./gather.js"
import type { Outbox } from "./outbox.js"
import type { Place } from "./requests.js"

export interface Courier<E, R> {
  /** Named in errors. */
  readonly operation: string
  readonly webhook: Webhook
  readonly place: Place
  /** What to do about a message that did not get through; when it succeeds, the next one goes. */
  readonly onError: (error: WebhookError, message: MessageInput) => Effect.Effect<void, E, R>
  /** Hears of each message that arrived, before the next one goes. */
  readonly onArrived?: ((message: MessageInput) => void) | undefined
}

/** How many arrived: 0 or 1. */
export const carryOne = <E, R>(
  { onArrived, onError, operation, place, webhook }: Courier<E, R>,
  message: MessageInput,
): Effect.Effect<number, E, Requirements | R> =>
  Effect.matchEffect(deliver(operation, webhook, message, place), {
    onSuccess: () => {
      onArrived?.(message)
      return Effect.succeed(1)
    },
    onFailure: (error) => Effect.as(onError(error, message), 0),
  })

/** Empties the outbox, until it is closed. How many messages arrived. */
export const carryAll = Effect.fnUntraced(function* <E, R>(
  courier: Courier<E, R>,
  outbox: Outbox<MessageInput>,
) {
  let arrived = 0
  for (;;) {
    const batch = yield* outbox.take
    if (batch.length === 0) return arrived
    arrived += yield* carryBatch(courier, batch)
  }
})

/** How long the end of a program waits for messages that are left, unless it is told otherwise. */
export const shutdownTimeout = Duration.seconds(5)

/** No more will come: lets what waits be sent for so long, and then stops. */
export const finish = <E>(
  outbox: Outbox<MessageInput>,
  sending: Fiber.Fiber<unknown, E>,
  limit: Duration.Duration,
): Effect.Effect<Exit.Exit<unknown, E>> =>
  Effect.suspend(() => {
    outbox.close()
    return Effect.zipRight(
      Effect.timeoutOption(Effect.interruptible(Fiber.await(sending)), limit),
      Fiber.interrupt(sending),
    )
  })

/** What Discord refuses as a whole goes one by one, so that only what is wrong is lost. */
export function carryBatch<E, R>(
  courier: Courier<E, R>,
  batch: ReadonlyArray<MessageInput>,
): Effect.Effect<number, E, Requirements | R> {
  const { onArrived, onError, operation, place, webhook } = courier
  const message = gathered(batch)
  return Effect.matchEffect(deliver(operation, webhook, message, place), {
    onSuccess: () => {
      onArrived?.(message)
      return Effect.succeed(batch.length)
    },
    onFailure: (error) =>
      error._tag === "WebhookBadRequest" && batch.length > 1
        ? Effect.reduce(batch, 0, (arrived, one) =>
            Effect.map(carryOne(courier, one), (more) => arrived + more),
          )
        : Effect.as(onError(error, message), 0),
  })
}
