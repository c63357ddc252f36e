/**
 * Records what responses show about each bucket, the host, deleted webhooks and invalid requests. It
 * grants no permits.
 */
import * as Duration from "effect/Duration"
import { DiscordInvalidRequestLimit } from "../../error/WebhookError.js"
import type {
  WebhookInteractionError,
  WebhookUnauthorized,
  WebhookNotFound,
} from "../../error/WebhookError.js"
import type { ResponseInfo, RateLimited } from "../ResponseInfo.js"
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
  readonly globalLimiter: GlobalLimiter
  readonly deadWebhooks = new DeadWebhooks()
  readonly invalidRequests: InvalidRequests
  readonly #events: LimiterEvents
  #roundTrip: RoundTrips | undefined = undefined

  constructor({ globalLimits, invalidRequestLimit }: Settings, events: LimiterEvents) {
    this.#events = events
    this.globalLimiter = new GlobalLimiter(globalLimits)
    this.invalidRequests = new InvalidRequests(invalidRequestLimit)
  }

  configure({ globalLimits, invalidRequestLimit }: Settings): void {
    this.globalLimiter.setLimits(globalLimits)
    this.invalidRequests.limit = invalidRequestLimit
  }

  /**
   * Records the response of a request; `sentAt` is unknown if it had no permit. Returns the other
   * webhooks whose limits it has set.
   */
  learn(
    routeState: RouteState,
    response: ResponseInfo,
    sentAt: number | undefined,
    now: number,
  ): ReadonlyArray<WebhookState> {
    const { limited, headers } = response
    if (InvalidRequests.isInvalid(response)) {
      this.invalidRequests.add(now)
      this.updateSpacing(now)
      this.#events.onInvalidRequest(
        routeState.name,
        this.invalidRequests.count(now),
        this.invalidRequests.limit,
      )
    }
    const from = sentAt ?? now - (routeState.bucket.roundTrip?.longest ?? 0)
    if (limited?.scope === "edge" || limited?.scope === "proxy") {
      this.#emitBlocked(
        this.globalLimiter.block(limited.scope, usableDelay(limited.retryAfter), from, now),
        routeState,
        now,
      )
      return []
    }
    this.webhooks.assignBucket(routeState, headers.bucket)
    const { bucket } = routeState
    const before = bucket.limit
    bucket.isKnown ||= describesBucket(response)
    bucket.roll(now)
    bucket.window.onResponse(headers, from, now, limited !== undefined)
    if (bucket.limit !== undefined && bucket.limit !== before)
      this.#events.onLimit(routeState.name, bucket.id, bucket.limit, headers.resetAfter)
    if (sentAt !== undefined) this.#observeRoundTrip(bucket, now - sentAt)
    const taught = this.webhooks.shareLimit(routeState)
    if (limited !== undefined) this.#block(routeState, limited, response, from, now)
    else if (from >= bucket.blockedUntil) bucket.unblock()
    if (DeadWebhooks.isGoneResponse(response, routeState.webhook.kind)) {
      this.deadWebhooks.add(routeState.webhook.major, response, now)
    }
    return taught
  }

  /** Returns the error of a request that must not be sent. */
  rejectionOf(
    route: Route,
    now: number,
  ):
    | WebhookNotFound
    | WebhookUnauthorized
    | WebhookInteractionError
    | DiscordInvalidRequestLimit
    | undefined {
    const dead = this.deadWebhooks.find(route, now)
    if (dead !== undefined) return dead
    const { limit } = this.invalidRequests
    const used = this.invalidRequests.count(now)
    if (used < limit) return undefined
    const retryAfter = Duration.millis(this.invalidRequests.retryAfter(now))
    return new DiscordInvalidRequestLimit({ ...errorFields(route), used, limit, retryAfter })
  }

  /** Whether the invalid-request limit is reached. */
  isInvalidLimitReached(now: number): boolean {
    return this.invalidRequests.count(now) >= this.invalidRequests.limit
  }

  /** Spaces requests while many of them are invalid. */
  updateSpacing(now: number): void {
    this.globalLimiter.setSpacing(this.invalidRequests.spacing(now))
  }

  #emitBlocked(hasClosed: boolean, { name }: RouteState, now: number): void {
    const { blockedBy, blockedUntil } = this.globalLimiter
    if (hasClosed) this.#events.onBlocked(name, blockedBy, blockedUntil - now)
  }

  #block(
    routeState: RouteState,
    limited: RateLimited,
    response: ResponseInfo,
    from: number,
    now: number,
  ): void {
    const delay = usableDelay(limited.retryAfter) ?? usableDelay(response.headers.resetAfter)
    if (limited.scope === "global") {
      this.#emitBlocked(this.globalLimiter.block("global", delay, from, now), routeState, now)
    }
    // The global limiter does not block interactions, which have no global limit.
    if (limited.scope !== "global" || routeState.webhook.kind === "interaction") {
      routeState.bucket.block(limited.scope, delay, from, now)
    }
  }

  #observeRoundTrip(bucket: BucketState, last: number): void {
    if (bucket.roundTrip === undefined) bucket.roundTrip = RoundTrips.first(last)
    else bucket.roundTrip.add(last)
    // The reset of a leaking bucket moves with each request: every response has another one.
    if (bucket.model === "leaking" && bucket.resetAt !== undefined)
      bucket.roundTrip.reset(bucket.resetAt - (bucket.resetEarliest ?? bucket.resetAt))
    if (this.#roundTrip === undefined) this.#roundTrip = RoundTrips.first(last)
    else this.#roundTrip.add(last)
    this.globalLimiter.setLatencySpread(this.#roundTrip.longest - this.#roundTrip.shortest)
  }
}

/** Ignores a delay of zero or `NaN`, which would turn a 429 into a hot loop. */
function usableDelay(delay: number | undefined): number | undefined {
  return delay !== undefined && delay > 0 ? Math.min(delay, maxBlock) : undefined
}

/**
 * Whether the response describes its bucket. A success without headers means that there is no limit; an
 * error without headers may come from a proxy in front of the API.
 */
function describesBucket({ headers, limited, status }: ResponseInfo): boolean {
  const { limit, remaining, resetAfter } = headers
  if (limit !== undefined || remaining !== undefined || resetAfter !== undefined) return true
  return limited === undefined && status < 300
}
