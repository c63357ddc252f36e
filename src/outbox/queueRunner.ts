/**
 * Sends the entries of one queue, one after the other, while this worker owns it.
 *
 *     ready --> permit of the limiter --> commit Sending --> request --> Sent | Dead | Retry
 *
 * `Sending` is committed after the limiter has granted the permit, immediately before the request. So an
 * entry in state `sending` without an owner is one whose request may have been sent, and nothing is sent
 * after the lease has ended.
 */
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Headers from "@effect/platform/Headers"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { WebhookError } from "../error/WebhookError.js"
import * as Permit from "../ratelimit/Permit.js"
import { RateLimiter } from "../ratelimit/RateLimiter.js"
import type { Service as LimiterService } from "../ratelimit/RateLimiter.js"
import { execute } from "../rest/pipeline.js"
import type { Requirements } from "../rest/pipeline.js"
import type { Webhook } from "../webhook/credentials.js"
import { decide, getBackoff } from "./decide.js"
import type { Decision } from "./decide.js"
import { encodeError, toEntry } from "./entry.js"
import type { Entry, EntryError } from "./entry.js"
import * as metrics from "./metrics.js"
import type { DiscordOutboxUnavailable } from "./OutboxError.js"
import type {
  Change,
  OwnedQueue,
  Step,
  StepResult,
  Stored,
  StoredEntry,
  StoredFile,
} from "./store.js"
import { operationNames, parseRequest, restoreRequest } from "./storedRequest.js"
import type { Receipt } from "./storedRequest.js"

/** What all queues of a worker share. */
export interface WorkerContext {
  /** The first pending entries of a queue. */
  readonly load: (webhookId: string) => Stored<ReadonlyArray<StoredEntry>>
  /** Maximum number of entries of a claim or a load. */
  readonly prefetch: number
  readonly loadFiles: (entryId: string) => Stored<ReadonlyArray<StoredFile>>
  readonly find: (entryId: string) => Stored<ReadonlyArray<StoredEntry>>
  /** Makes all pending entries of a queue dead, and returns their number. */
  readonly bury: (queue: OwnedQueue, error: string) => Stored<number>
  /** Adds a step to the next commit at once, and returns an effect that waits for its result. */
  readonly commit: (step: Step) => Stored<StepResult>
  readonly limiter: LimiterService
  /** Completed when the worker shuts down. */
  readonly draining: Deferred.Deferred<void>
  readonly inDoubt: (entry: Entry) => Effect.Effect<"resend" | "hold">
  readonly backoff: { readonly base: number; readonly max: number }
  /** Milliseconds of a lease. */
  readonly lease: number
  /** Whether all places are taken, so that other queues may wait for one. */
  readonly isCrowded: () => boolean
  /** Milliseconds of a clock that only advances. */
  readonly monotonic: () => number
  /** The store's time in milliseconds, estimated from the last query. */
  readonly now: () => number
}

/** A queue while this worker owns it. */
export interface RunningQueue {
  readonly owned: OwnedQueue
  /** The end of the lease on the monotonic clock. */
  deadline: number
}

/** What follows an entry: the next one, or the end; then when the queue needs attention again. */
type Next = "continue" | { readonly stopUntil: number | undefined }

const stop: Next = { stopUntil: undefined }

/** How long a queue keeps its place while others may wait for one. */
const turnMillis = 5000

const crashed: EntryError = {
  reason: "inDoubt",
  message: "the worker that sent it has stopped before it recorded the result",
}

const interrupted: EntryError = {
  reason: "inDoubt",
  message: "its request ended without a result",
}

/** What the guard of an attempt has found. */
interface Attempt {
  /** A request may be in flight. */
  started: boolean
  /** Why no request was started. */
  refused: "lost" | "changed" | "draining" | DiscordOutboxUnavailable | undefined
}

class QueueRunner {
  readonly #context: WorkerContext
  readonly #running: RunningQueue
  readonly #webhook: Webhook
  /** Waits for the last step. */
  committed: Stored<StepResult> = Effect.succeed("done")

  constructor(context: WorkerContext, running: RunningQueue, webhook: Webhook) {
    this.#context = context
    this.#running = running
    this.#webhook = webhook
  }

  runEntry(entry: StoredEntry): Effect.Effect<Next, DiscordOutboxUnavailable, Requirements> {
    return Effect.gen(this, function* () {
      if (yield* Deferred.isDone(this.#context.draining)) return stop
      const now = this.#context.now()
      if (entry.state === "sending") return yield* this.#resolveDoubt(entry, crashed)
      if (entry.expiresAt !== undefined && entry.expiresAt <= now) {
        return yield* this.#bury(entry, {
          reason: "expired",
          message: "its time to live has ended",
        })
      }
      if (entry.notBefore !== undefined && entry.notBefore > now) {
        return { stopUntil: entry.notBefore }
      }
      const stored = parseRequest(entry.request)
      if (Either.isLeft(stored)) {
        return yield* this.#bury(entry, { reason: "damaged", message: stored.left })
      }
      const target = yield* this.#findTarget(entry, stored.right.target)
      if (Either.isLeft(target)) {
        return yield* this.#bury(entry, { reason: "target", message: target.left })
      }
      const files = entry.files === 0 ? [] : yield* this.#context.loadFiles(entry.id)
      if (files.length !== entry.files) {
        const message = `${files.length} of its ${entry.files} files are stored`
        return yield* this.#bury(entry, { reason: "damaged", message })
      }
      const request = yield* restoreRequest(
        this.#webhook,
        entry.operation,
        stored.right,
        files,
        target.right,
      )
      const attempt: Attempt = { started: false, refused: undefined }
      const exit = yield* this.#untilDraining(
        attempt,
        this.#traced(
          entry,
          Effect.provideService(execute(request), RateLimiter, this.#guard(entry, attempt)),
        ),
      )
      return yield* this.#complete(entry, attempt, exit)
    })
  }

  /** A limiter that commits the step `Sending` after it has granted a permit. */
  #guard(entry: StoredEntry, attempt: Attempt): LimiterService {
    const { lease, limiter } = this.#context
    const start = (permit: Permit.Permit): Effect.Effect<void> =>
      Effect.flatMap(this.#start(entry, attempt), (refused) => {
        attempt.refused = refused
        if (refused === undefined) return Effect.void
        attempt.started = false
        return Effect.zipRight(permit.settle(Permit.neverSent), Effect.interrupt)
      })
    return {
      ...limiter,
      withPermit: (route, options, use) =>
        limiter.withPermit(route, extendLease(options, lease), (permit) =>
          Effect.zipRight(
            start(permit),
            Effect.suspend(() => use(permit)),
          ),
        ),
    }
  }

  /** Returns why the request must not start, if it must not. */
  #start(entry: StoredEntry, attempt: Attempt): Effect.Effect<Attempt["refused"]> {
    return Effect.gen(this, function* () {
      if (yield* Deferred.isDone(this.#context.draining)) return "draining"
      // From here on, a shutdown waits for the attempt.
      attempt.started = true
      const step = this.#step(entry, entry.attempts + 1, { _tag: "Sending" })
      const result = yield* Effect.either(this.#context.commit(step))
      if (Either.isLeft(result)) return result.left
      if (result.right === "changed") return "changed"
      const isOwned = this.#context.monotonic() < this.#running.deadline
      if (result.right === "done" && isOwned) return undefined
      // The process or the store was stopped, so the step may have been applied. Unless there is another
      // owner by now, the entry is not in doubt.
      const error = encodeError({ reason: "retry", message: "the lease ended before the request" })
      const change: Change = { _tag: "Retry", error, inDoubt: false, notBefore: undefined }
      this.#submit({ ...entry, attempts: entry.attempts + 1 }, change)
      return "lost"
    })
  }

  /** A shutdown interrupts a request that waits for its permit, and waits for one that has started. */
  #untilDraining<A, E, R>(
    attempt: Attempt,
    request: Effect.Effect<A, E, R>,
  ): Effect.Effect<Exit.Exit<A, E>, never, R> {
    return Effect.flatMap(Effect.fork(request), (fiber) =>
      Effect.raceFirst(
        Fiber.await(fiber),
        Effect.zipRight(
          Deferred.await(this.#context.draining),
          Effect.suspend(() => (attempt.started ? Fiber.await(fiber) : Fiber.interrupt(fiber))),
        ),
      ),
    )
  }

  #complete(
    entry: StoredEntry,
    { refused, started }: Attempt,
    exit: Exit.Exit<Receipt, WebhookError>,
  ): Effect.Effect<Next, DiscordOutboxUnavailable> {
    if (refused === "changed") return Effect.succeed("continue")
    if (typeof refused === "object") return Effect.fail(refused)
    if (refused !== undefined) return Effect.succeed(stop)
    const after = started ? { ...entry, attempts: entry.attempts + 1 } : entry
    if (Exit.isSuccess(exit)) return this.#recordSent(after, exit.value)
    const failure = Cause.failureOption(exit.cause)
    if (Option.isNone(failure)) {
      // A defect, or a shutdown before the request has started.
      return started ? this.#resolveDoubt(after, interrupted) : Effect.succeed(stop)
    }
    return this.#follow(after, failure.value, started)
  }

  #follow(
    entry: StoredEntry,
    error: WebhookError,
    started: boolean,
  ): Effect.Effect<Next, DiscordOutboxUnavailable> {
    const decision: Decision = decide(entry.operation, error)
    switch (decision._tag) {
      case "Sent":
        return this.#recordSent(entry, { messageId: undefined, channelId: undefined })
      case "Dead":
        return this.#bury(entry, describe(decision.reason, error))
      case "WebhookDead":
        return this.#buryAll(describe("webhook", error))
      case "InDoubt":
        return this.#resolveDoubt(entry, describe("inDoubt", error))
      case "Retry":
      default:
        return Effect.flatMap(Random.next, (random) => {
          const { backoff } = this.#context
          const delay = getBackoff(entry.attempts, decision.after, backoff, random)
          return started
            ? this.#retryLater(entry, describe("retry", error), delay, false)
            : Effect.succeed({ stopUntil: Math.ceil(this.#context.now() + delay) })
        })
    }
  }

  #recordSent(
    entry: StoredEntry,
    { channelId, messageId }: Receipt,
  ): Effect.Effect<Next, DiscordOutboxUnavailable> {
    this.#submit(entry, { _tag: "Sent", messageId, channelId })
    const delay = Math.max(0, this.#context.now() - entry.acceptedAt)
    return Effect.as(metrics.recordSent(delay), "continue")
  }

  #bury(entry: StoredEntry, error: EntryError): Effect.Effect<Next> {
    this.#submit(entry, {
      _tag: "Dead",
      error: encodeError(error),
      inDoubt: error.reason === "inDoubt",
    })
    return Effect.as(
      Effect.zipRight(
        metrics.recordDead(error.reason, 1),
        Effect.logWarning(
          `${operationNames[entry.operation]} (webhook ${entry.webhookId}): entry ${entry.id} is dead: ${error.message}`,
        ),
      ),
      "continue",
    )
  }

  /** Ends with the queue: entries that are stored later find the webhook dead as well. */
  #buryAll(error: EntryError): Effect.Effect<Next, DiscordOutboxUnavailable> {
    const { owned } = this.#running
    return Effect.gen(this, function* () {
      yield* this.committed
      const count = yield* this.#context.bury(owned, encodeError(error))
      yield* metrics.recordDead("webhook", count)
      yield* Effect.logWarning(
        `Outbox (webhook ${owned.webhookId}): ${count === 1 ? "1 entry is" : `${count} entries are`} dead: ${error.message}`,
      )
      return stop
    })
  }

  #retryLater(
    entry: StoredEntry,
    error: EntryError,
    delay: number,
    inDoubt: boolean,
  ): Effect.Effect<Next, DiscordOutboxUnavailable> {
    const { expiresAt = Infinity } = entry
    const notBefore = Math.min(expiresAt, Math.ceil(this.#context.now() + delay))
    this.#submit(entry, { _tag: "Retry", error: encodeError(error), inDoubt, notBefore })
    const text = `entry ${entry.id} is tried again: ${error.message}`
    // Once for each entry, as a long failure would fill the log.
    const log = entry.attempts > 1 ? Effect.logDebug(text) : Effect.logWarning(text)
    return Effect.as(Effect.zipRight(metrics.retried, log), { stopUntil: notBefore })
  }

  /** The request of the entry may or may not have taken effect. */
  #resolveDoubt(
    entry: StoredEntry,
    error: EntryError,
  ): Effect.Effect<Next, DiscordOutboxUnavailable> {
    const isRepeatable = entry.operation === "edit" || entry.operation === "delete"
    const choice = isRepeatable ? Effect.succeed("resend") : this.#context.inDoubt(toEntry(entry))
    return Effect.gen(this, function* () {
      if (!isRepeatable) yield* metrics.inDoubt
      if ((yield* choice) === "hold") return yield* this.#bury(entry, error)
      const random = yield* Random.next
      const retry: EntryError = { ...error, reason: "retry" }
      const delay = getBackoff(entry.attempts, undefined, this.#context.backoff, random)
      return yield* this.#retryLater(entry, retry, delay, !isRepeatable)
    })
  }

  /** The message of another entry of the same webhook, if the entry refers to one. */
  #findTarget(
    { webhookId }: StoredEntry,
    target: string | undefined,
  ): Effect.Effect<Either.Either<Receipt | undefined, string>, DiscordOutboxUnavailable> {
    if (target === undefined) return Effect.succeed(Either.right(undefined))
    return Effect.gen(this, function* () {
      yield* this.committed
      const [found] = yield* this.#context.find(target)
      if (found === undefined) return Either.left(`there is no entry ${target}`)
      if (found.webhookId !== webhookId) {
        return Either.left(`entry ${target} belongs to the webhook ${found.webhookId}`)
      }
      if (found.state !== "sent" || found.messageId === undefined) {
        return Either.left(`entry ${target} has no message; it is ${found.state}`)
      }
      const stored = Either.getOrUndefined(parseRequest(found.request))
      const isInThread = stored?.inThread === true || stored?.startsThread === true
      return Either.right({
        messageId: found.messageId,
        channelId: isInThread ? found.channelId : undefined,
      })
    })
  }

  #submit(entry: StoredEntry, change: Change): void {
    this.committed = this.#context.commit(this.#step(entry, entry.attempts, change))
  }

  #step({ id }: StoredEntry, attempt: number, change: Change): Step {
    return { queue: this.#running.owned, entryId: id, attempt, change }
  }

  /** A trace of its own, linked to the span that stored the entry. */
  #traced<A, E, R>(entry: StoredEntry, request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const origin =
      entry.trace === undefined
        ? Option.none()
        : HttpTraceContext.w3c(Headers.fromInput({ traceparent: entry.trace }))
    return Effect.withSpan(request, "Outbox.deliver", {
      kind: "consumer",
      root: true,
      links: Option.match(origin, {
        onNone: () => [],
        onSome: (span) => [{ _tag: "SpanLink" as const, span, attributes: {} }],
      }),
      attributes: { "discord.webhook.id": entry.webhookId, "discord.outbox.entry": entry.id },
    })
  }
}

/** Runs the queue until it is empty, lost or must wait. Returns when to look at it again. */
export const runQueue = (
  context: WorkerContext,
  running: RunningQueue,
  webhook: Webhook,
  first: ReadonlyArray<StoredEntry>,
): Effect.Effect<number | undefined, DiscordOutboxUnavailable, Requirements> =>
  Effect.gen(function* () {
    const runner = new QueueRunner(context, running, webhook)
    const turnEnd = context.monotonic() + turnMillis
    let entries = first
    while (entries.length > 0) {
      for (const entry of entries) {
        const next = yield* runner.runEntry(entry)
        if (next !== "continue") {
          yield* runner.committed
          return next.stopUntil
        }
        if (context.isCrowded() && context.monotonic() >= turnEnd) {
          yield* runner.committed
          return undefined
        }
      }
      if ((yield* runner.committed) === "lost") return undefined
      // Entries that were stored meanwhile are found by the claim that follows the release.
      if (entries.length < context.prefetch) return undefined
      entries = yield* context.load(running.owned.webhookId)
    }
    return undefined
  })

/** The permit includes the commit, which takes at most as long as the lease of the queue. */
function extendLease(options: Permit.WaitOptions, millis: number): Permit.WaitOptions {
  const { lease } = options
  return lease === undefined ? options : { ...options, lease: Duration.sum(lease, millis) }
}

/** The messages of the SDK's errors contain no token. */
function describe(reason: EntryError["reason"], error: WebhookError): EntryError {
  return { reason, tag: error._tag, message: error.message }
}
