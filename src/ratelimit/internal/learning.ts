/**
 * Records what responses show about each bucket, the limits of the whole process, deleted webhooks and invalid
 * requests, and registers the webhooks. It grants no permits.
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
import { errorFields } from "../../error/message.js"
import { BucketState, ChannelState, RouteState, WebhookState } from "./bucketState.js"
import { GlobalLimiter, InvalidRequests } from "./globalLimiter.js"
import { DeadWebhooks } from "../deadWebhooks.js"
import type { LimiterEvents } from "./events.js"
import { PackedWebhooks } from "./packedWebhooks.js"
import { RoundTrips } from "./window.js"
import type { Settings } from "../settings.js"

const noBuckets: ReadonlyArray<BucketState> = []

/** Maximum number of webhooks that are packed at once, so that no request waits for many. */
const maxPackedAtOnce = 8

/**
 * The webhooks in use, the bucket of each of their routes, and which of them are idle. An idle webhook is packed: kept
 * as one array of numbers, to save memory.
 */
export class WebhookRegistry {
  /** Up to this many idle webhooks are not packed, so that most programs pack none. */
  maxUnpackedIdle = 256
  /** All webhooks that are not packed. */
  readonly unpacked = new Map<string, WebhookState>()
  readonly #packed = new PackedWebhooks()
  /** Channels by id. For a channel whose webhook is packed, that webhook's `major`. */
  readonly #channels = new Map<string, ChannelState | string>()
  /** Webhooks without requests, the longest idle first. */
  readonly #idle = new Set<WebhookState>()
  /** Idle webhooks that may be packed. */
  readonly #packable = new Set<WebhookState>()
  /** The bucket whose limits a response showed last, by route name: the initial state for other webhooks. */
  readonly #guesses = new Map<string, BucketState>()

  getWebhook({ kind, major }: Pick<Route, "kind" | "major">): WebhookState {
    let webhook = this.get(major)
    if (webhook === undefined) {
      webhook = new WebhookState(major, kind)
      this.unpacked.set(major, webhook)
    }
    return webhook
  }

  get(major: string): WebhookState | undefined {
    const known = this.unpacked.get(major)
    if (known !== undefined) return known
    const webhook = this.#packed.take(major)
    if (webhook === undefined) return undefined
    this.unpacked.set(major, webhook)
    this.markIdle(webhook, webhook.idleSince)
    return webhook
  }

  getRouteState(route: Route): RouteState {
    const webhook = this.getWebhook(route)
    const known = webhook.route(route.name)
    if (known !== undefined) return known
    const routeState = new RouteState(route.name, webhook, this.#firstBucket(webhook, route.name))
    webhook.routes = [...webhook.routes, routeState]
    return routeState
  }

  find(route: Route, now: number): BucketState | undefined {
    const bucket = this.get(route.major)?.route(route.name)?.bucket
    bucket?.roll(now)
    return bucket
  }

  /**
   * Assigns the bucket that a response names to a route and moves its requests there. A bucket that no
   * other route shares is renamed and keeps its state.
   */
  assignBucket(routeState: RouteState, id: string | undefined): void {
    const { webhook, bucket: from } = routeState
    if (id === undefined || from.id === id) return
    const isShared = webhook.routes.some((one) => one !== routeState && one.bucket === from)
    const known = webhook.bucket(id)
    if (known === undefined && !isShared) {
      from.id = id
      return
    }
    const to = known ?? new BucketState(id, webhook)
    routeState.bucket = to
    moveRequests(routeState, from, to)
    to.blockedUntil = Math.max(to.blockedUntil, from.blockedUntil)
    to.probing ||= from.probing
    to.blocksWithoutDelay = Math.max(to.blocksWithoutDelay, from.blocksWithoutDelay)
  }

  /**
   * Adds a webhook to its channel, with which it shares what the policies have learned. Returns the buckets that
   * wait in its former channel, where fewer requests are in flight now.
   */
  assignChannel(webhook: WebhookState, id: string | undefined): ReadonlyArray<BucketState> {
    const formerChannel = webhook.channel
    if (id === undefined || formerChannel?.id === id) return noBuckets
    this.#leaveChannel(webhook)
    const known = this.#channels.get(id)
    const channel = known instanceof ChannelState ? known : new ChannelState(id)
    this.#channels.set(id, channel)
    if (typeof known === "string") {
      const other = this.get(known)
      if (other !== undefined && other.channel === undefined) channel.join(other)
    }
    if (webhook.channel === undefined) channel.join(webhook)
    return formerChannel?.waiting ?? noBuckets
  }

  /**
   * Makes a bucket the initial guess for other webhooks. The first response of a route also initializes webhooks
   * whose requests still wait for their own first response. Returns the buckets in which those requests wait.
   */
  shareLimit({ name, bucket }: RouteState): ReadonlyArray<BucketState> {
    if (bucket.limit === undefined) return noBuckets
    const isFirst = !this.#guesses.has(name)
    this.#guesses.set(name, bucket)
    return isFirst ? this.#shareWithUnknown(name, bucket) : noBuckets
  }

  /** Resets the bucket of one route, or all buckets; returns the buckets that were reset. */
  reset(route: Route | undefined): ReadonlyArray<BucketState> {
    const buckets: Array<BucketState> = []
    if (route === undefined) {
      this.#guesses.clear()
      for (const webhook of this.#idle) this.#evict(webhook)
      this.#packed.all.clear()
      for (const webhook of this.unpacked.values())
        for (const one of webhook.buckets) buckets.push(one)
    } else {
      this.#guesses.delete(route.name)
      const bucket = this.get(route.major)?.route(route.name)?.bucket
      if (bucket !== undefined) buckets.push(bucket)
    }
    for (const bucket of buckets) bucket.reset()
    return buckets
  }

  /** Marks a webhook as in use. */
  markBusy(webhook: WebhookState): void {
    this.#idle.delete(webhook)
    this.#packable.delete(webhook)
  }

  /** Marks a webhook as idle. */
  markIdle(webhook: WebhookState, now: number): void {
    webhook.idleSince = now
    this.markBusy(webhook)
    this.#idle.add(webhook)
    this.#packable.add(webhook)
  }

  /** Number of idle webhooks. */
  get idle(): number {
    return this.#idle.size + this.#packed.all.size
  }

  /** Packs the longest idle webhooks. It is called only while nothing refers to their states. */
  packIdle(): void {
    let remaining = Math.min(this.#packable.size - this.maxUnpackedIdle, maxPackedAtOnce)
    for (const webhook of this.#packable) {
      if (remaining-- <= 0) return
      this.#packable.delete(webhook)
      if (this.#isGuess(webhook) || !this.#packed.add(webhook, limitedUntil(webhook))) continue
      const { channel, major } = webhook
      this.#evict(webhook)
      if (channel !== undefined) this.#channels.set(channel.id, major)
    }
  }

  /** Evicts webhooks that have been idle and unlimited since `before`. */
  sweep(before: number): void {
    for (const webhook of this.#idle) {
      if (webhook.idleSince > before) break
      if (limitedUntil(webhook) > before) continue
      this.#evict(webhook)
    }
    this.#packed.sweep(before)
    for (const [id, major] of this.#channels)
      if (typeof major === "string" && !this.unpacked.has(major) && !this.#packed.all.has(major))
        this.#channels.delete(id)
  }

  #isGuess(webhook: WebhookState): boolean {
    return [...this.#guesses.values()].some((guess) => guess.webhook === webhook)
  }

  #evict(webhook: WebhookState): void {
    this.markBusy(webhook)
    this.unpacked.delete(webhook.major)
    this.#leaveChannel(webhook)
  }

  #leaveChannel(webhook: WebhookState): void {
    const { channel } = webhook
    if (channel === undefined) return
    webhook.channel = undefined
    channel.webhooks = channel.webhooks.filter((one) => one !== webhook)
    if (channel.webhooks.length === 0) this.#channels.delete(channel.id)
  }

  /** The webhooks with waiting requests. */
  *withWaiting(): Generator<WebhookState> {
    for (const webhook of this.unpacked.values()) if (webhook.waiting > 0) yield webhook
  }

  counts(): { readonly buckets: number; readonly waiting: number; readonly inFlight: number } {
    const counts = { buckets: this.#packed.buckets, waiting: 0, inFlight: 0 }
    for (const webhook of this.unpacked.values()) {
      counts.buckets += webhook.buckets.length
      counts.waiting += webhook.waiting
      counts.inFlight += webhook.inFlight
    }
    return counts
  }

  /** Initializes the routes that wait for their first response. A known bucket of the same webhook keeps its state. */
  #shareWithUnknown(name: string, guess: BucketState): ReadonlyArray<BucketState> {
    const updated: Array<BucketState> = []
    for (const webhook of this.unpacked.values()) {
      const route = webhook.route(name)
      if (route === undefined || route.bucket.isKnown) continue
      updated.push(route.bucket)
      this.assignBucket(route, guess.id)
      if (!route.bucket.isKnown) route.bucket.guessFrom(guess)
    }
    return updated
  }

  #firstBucket(webhook: WebhookState, routeName: string): BucketState {
    const guess = this.#guesses.get(routeName)
    const id = guess?.id ?? routeName
    const known = webhook.bucket(id)
    if (known !== undefined) return known
    const bucket = new BucketState(id, webhook)
    if (guess?.limit !== undefined) bucket.guessFrom(guess)
    return bucket
  }
}

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
   * Records the response of a request; `sentAt` is `undefined` if it had no permit. Returns the buckets of other
   * webhooks whose limits it has set, or which may send since this one has left their channel.
   */
  learn(
    routeState: RouteState,
    response: ResponseInfo,
    sentAt: number | undefined,
    now: number,
  ): ReadonlyArray<BucketState> {
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
    // Without a permit, the time of sending is unknown: assume the longest round trip.
    const assumedSentAt = sentAt ?? now - (routeState.bucket.roundTrip?.longest ?? 0)
    if (limited?.scope === "edge" || limited?.scope === "proxy") {
      this.#emitBlocked(
        this.globalLimiter.block(
          limited.scope,
          usableDelay(limited.retryAfter),
          assumedSentAt,
          now,
        ),
        routeState,
        now,
      )
      return noBuckets
    }
    this.webhooks.assignBucket(routeState, headers.bucket)
    const waitingInFormerChannel = this.webhooks.assignChannel(
      routeState.webhook,
      response.channelId,
    )
    const { bucket } = routeState
    const limitBefore = bucket.limit
    bucket.isKnown ||= describesBucket(response)
    bucket.roll(now)
    bucket.window.onResponse(headers, assumedSentAt, now, limited !== undefined, bucket.inFlight)
    if (bucket.limit !== undefined && bucket.limit !== limitBefore)
      this.#events.onLimit(routeState.name, bucket.id, bucket.limit, headers.resetAfter)
    if (sentAt !== undefined) this.#observeRoundTrip(bucket, now - sentAt)
    const updated = waitingInFormerChannel.concat(this.webhooks.shareLimit(routeState))
    if (limited !== undefined) this.#block(routeState, limited, response, assumedSentAt, now)
    else if (assumedSentAt >= bucket.blockedUntil) bucket.unblock()
    if (DeadWebhooks.isGoneResponse(response, routeState.webhook.kind)) {
      this.deadWebhooks.add(routeState.webhook.major, response, now)
    }
    return updated
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

  #emitBlocked(isNewBlock: boolean, { name }: RouteState, now: number): void {
    const { blockedBy, blockedUntil } = this.globalLimiter
    if (isNewBlock) this.#events.onBlocked(name, blockedBy, blockedUntil - now)
  }

  #block(
    routeState: RouteState,
    limited: RateLimited,
    response: ResponseInfo,
    sentAt: number,
    now: number,
  ): void {
    const delay = usableDelay(limited.retryAfter) ?? usableDelay(response.headers.resetAfter)
    if (limited.scope === "global") {
      this.#emitBlocked(this.globalLimiter.block("global", delay, sentAt, now), routeState, now)
    }
    // The global limiter does not block interactions, which have no global limit.
    if (limited.scope !== "global" || routeState.webhook.kind === "interaction") {
      routeState.bucket.block(limited.scope, delay, sentAt, now)
    }
  }

  #observeRoundTrip(bucket: BucketState, last: number): void {
    bucket.roundTrip = addRoundTrip(bucket.roundTrip, last)
    // In a leaking bucket, where slots return one by one, every request moves the reset, so each response adds one.
    if (bucket.model === "leaking" && bucket.resetAt !== undefined)
      bucket.roundTrip.addResetUncertainty(
        bucket.resetAt - (bucket.resetEarliest ?? bucket.resetAt),
      )
    this.#roundTrip = addRoundTrip(this.#roundTrip, last)
    this.globalLimiter.setLatencySpread(this.#roundTrip.longest - this.#roundTrip.shortest)
  }
}

function addRoundTrip(known: RoundTrips | undefined, last: number): RoundTrips {
  if (known === undefined) return new RoundTrips({ last })
  known.add(last)
  return known
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

/** Moves the requests of a route to another bucket. */
export function moveRequests(routeState: RouteState, from: BucketState, to: BucketState): void {
  from.inFlight -= routeState.inFlight
  to.inFlight += routeState.inFlight
  const waiting = [...from.queue].filter((request) => request.routeState === routeState)
  for (const request of waiting) from.queue.remove(request)
  to.queue.merge(waiting)
  to.earliestDeadline = Math.min(to.earliestDeadline, from.earliestDeadline)
}

/** Returns the latest reset or end of a block of a webhook; 0 if there is none. */
export function limitedUntil(webhook: WebhookState): number {
  let until = 0
  for (const { blockedUntil, resetAt } of webhook.buckets.values()) {
    until = Math.max(until, blockedUntil, resetAt ?? 0)
  }
  return until
}
