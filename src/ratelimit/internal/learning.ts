/**
 * What answers have taught: of each bucket, of the host as a whole, of dead webhooks and of refused
 * requests. It grants nothing; the machine asks it.
 */
import * as Duration from "effect/Duration"
import { DiscordInvalidRequestLimit } from "../../error/WebhookError.js"
import type {
  WebhookInteractionError,
  WebhookUnauthorized,
  WebhookNotFound,
} from "../../error/WebhookError.js"
import type { Answer, Limited } from "../Answer.js"
import { longestDelay } from "../RateLimitHeaders.js"
import type { Route } from "../Route.js"
import { errorFields } from "../errorFields.js"
import type { BucketState, WebhookState, RouteState } from "./bucketState.js"
import { GlobalLimiter } from "./globalLimiter.js"
import { DeadWebhooks } from "./deadWebhooks.js"
import { InvalidRequests } from "./invalidRequests.js"
import type { LimiterEvents } from "./events.js"
import { RoundTrips } from "./resetEstimates.js"
import type { Settings } from "./settings.js"
import { WebhookRegistry } from "./webhookRegistry.js"

const maxBlock = Duration.toMillis(longestDelay)

export class Learning {
  readonly webhooks = new WebhookRegistry()
  readonly gate: GlobalLimiter
  readonly graveyard = new DeadWebhooks()
  readonly invalid: InvalidRequests
  readonly #news: LimiterEvents
  #roundTrip: RoundTrips | undefined = undefined

  constructor({ globalLimits, invalidRequestLimit }: Settings, news: LimiterEvents) {
    this.#news = news
    this.gate = new GlobalLimiter(globalLimits)
    this.invalid = new InvalidRequests(invalidRequestLimit)
  }

  configure({ globalLimits, invalidRequestLimit }: Settings): void {
    this.gate.limit(globalLimits)
    this.invalid.limit = invalidRequestLimit
  }

  /**
   * An answer to a request that took a permit, or to another one: then `sentAt` is unknown. Returns
   * the other webhooks that it has taught something.
   */
  learn(
    place: RouteState,
    answer: Answer,
    sentAt: number | undefined,
    now: number,
  ): ReadonlyArray<WebhookState> {
    const { limited, headers } = answer
    if (InvalidRequests.isInvalid(answer)) {
      this.invalid.add(now)
      this.space(now)
      this.#news.refused(place.name, this.invalid.count(now), this.invalid.limit)
    }
    const from = sentAt ?? now - (place.bucket.roundTrip?.longest ?? 0)
    if (limited?.scope === "edge" || limited?.scope === "proxy") {
      this.#tellOfGate(
        this.gate.block(limited.scope, usableDelay(limited.retryAfter), from, now),
        place,
        now,
      )
      return []
    }
    this.webhooks.move(place, headers.bucket)
    const { bucket } = place
    const before = bucket.limit
    bucket.known ||= describesBucket(answer)
    bucket.roll(now)
    bucket.window.answered(headers, from, now, limited !== undefined)
    if (bucket.limit !== undefined && bucket.limit !== before)
      this.#news.limit(place.name, bucket.id, bucket.limit, headers.resetAfter)
    if (sentAt !== undefined) this.#observeRoundTrip(bucket, now - sentAt)
    const taught = this.webhooks.teach(place)
    if (limited !== undefined) this.#block(place, limited, answer, from, now)
    else if (from >= bucket.blockedUntil) bucket.unblock()
    if (DeadWebhooks.isEnd(answer, place.lane.kind)) {
      this.graveyard.bury(place.lane.major, answer, now)
    }
    return taught
  }

  /** Why this request must not be sent at all. */
  refusal(
    route: Route,
    now: number,
  ):
    | WebhookNotFound
    | WebhookUnauthorized
    | WebhookInteractionError
    | DiscordInvalidRequestLimit
    | undefined {
    const dead = this.graveyard.find(route, now)
    if (dead !== undefined) return dead
    const { limit } = this.invalid
    const used = this.invalid.count(now)
    if (used < limit) return undefined
    const retryAfter = Duration.millis(this.invalid.retryAfter(now))
    return new DiscordInvalidRequestLimit({ ...errorFields(route), used, limit, retryAfter })
  }

  /** Whether so many requests were refused that none may go. */
  isSpent(now: number): boolean {
    return this.invalid.count(now) >= this.invalid.limit
  }

  /** Slows everything down while too many requests are refused. */
  space(now: number): void {
    this.gate.space(this.invalid.spacing(now))
  }

  #tellOfGate(hasClosed: boolean, { name }: RouteState, now: number): void {
    const { blockedBy, blockedUntil } = this.gate
    if (hasClosed) this.#news.closed(name, blockedBy, blockedUntil - now)
  }

  #block(place: RouteState, limited: Limited, answer: Answer, from: number, now: number): void {
    const delay = usableDelay(limited.retryAfter) ?? usableDelay(answer.headers.resetAfter)
    if (limited.scope === "global") {
      this.#tellOfGate(this.gate.block("global", delay, from, now), place, now)
    }
    // The gate does not hold interactions up, which are not bound to the global limit.
    if (limited.scope !== "global" || place.lane.kind === "interaction") {
      place.bucket.block(limited.scope, delay, from, now)
    }
  }

  #observeRoundTrip(bucket: BucketState, last: number): void {
    if (bucket.roundTrip === undefined) bucket.roundTrip = RoundTrips.first(last)
    else bucket.roundTrip.add(last)
    // The reset of a leaking bucket moves with each request: every answer tells of another one.
    if (bucket.model === "leaking" && bucket.resetAt !== undefined)
      bucket.roundTrip.reset(bucket.resetAt - (bucket.resetEarliest ?? bucket.resetAt))
    if (this.#roundTrip === undefined) this.#roundTrip = RoundTrips.first(last)
    else this.#roundTrip.add(last)
    this.gate.observe(this.#roundTrip.longest - this.#roundTrip.shortest)
  }
}

/** A delay of nothing, or of what is no number, would make a hot loop of a 429. */
function usableDelay(delay: number | undefined): number | undefined {
  return delay !== undefined && delay > 0 ? Math.min(delay, maxBlock) : undefined
}

/**
 * Whether the answer tells what to expect of its bucket. A success without any header says that
 * there is no limit; a refusal or failure without one may come from what stands before the API.
 */
function describesBucket({ headers, limited, status }: Answer): boolean {
  const { limit, remaining, resetAfter } = headers
  if (limit !== undefined || remaining !== undefined || resetAfter !== undefined) return true
  return limited === undefined && status < 300
}
