/** The webhooks in use, the bucket of each of their routes, and which of them are idle. */
import type { Route } from "../Route.js"
import { BucketState, WebhookState, RouteState } from "./bucketState.js"

const noWebhooks: ReadonlyArray<WebhookState> = []

export class WebhookRegistry {
  readonly #webhooks = new Map<string, WebhookState>()
  /** Webhooks without requests, the longest idle first. */
  readonly #idle = new Set<WebhookState>()
  /** By route name: the bucket last described by a response, as the initial guess for other webhooks. */
  readonly #guesses = new Map<string, BucketState>()

  getRouteState(route: Route): RouteState {
    let lane = this.#webhooks.get(route.major)
    if (lane === undefined) {
      lane = new WebhookState(route.major, route.kind)
      this.#webhooks.set(route.major, lane)
    }
    const known = lane.route(route.name)
    if (known !== undefined) return known
    const place = new RouteState(route.name, lane, this.#firstBucket(lane, route.name))
    lane.routes = [...lane.routes, place]
    return place
  }

  find(route: Route, now: number): BucketState | undefined {
    const bucket = this.#webhooks.get(route.major)?.route(route.name)?.bucket
    bucket?.roll(now)
    return bucket
  }

  /**
   * Assigns the bucket that a response names to a route and moves its requests there. A bucket that no
   * other route shares is renamed and keeps its state.
   */
  assignBucket(place: RouteState, id: string | undefined): void {
    const { webhook: lane, bucket: from } = place
    if (id === undefined || from.id === id) return
    const isShared = lane.routes.some((one) => one !== place && one.bucket === from)
    const known = lane.bucket(id)
    if (known === undefined && !isShared) {
      from.id = id
      return
    }
    const to = known ?? new BucketState(id, lane)
    place.bucket = to
    moveRequests(place, from, to)
    to.blockedUntil = Math.max(to.blockedUntil, from.blockedUntil)
    to.probing ||= from.probing
    to.blocksWithoutDelay = Math.max(to.blocksWithoutDelay, from.blocksWithoutDelay)
  }

  /**
   * Makes a bucket the initial guess for other webhooks. The first response of a route also initializes
   * webhooks that still wait for their own first response; it returns these.
   */
  shareLimit({ name, bucket }: RouteState): ReadonlyArray<WebhookState> {
    if (bucket.limit === undefined) return noWebhooks
    const isFirst = !this.#guesses.has(name)
    this.#guesses.set(name, bucket)
    return isFirst ? this.#shareWithUnknown(name, bucket) : noWebhooks
  }

  /** Resets the bucket of one route, or all buckets; returns the buckets that were reset. */
  reset(route: Route | undefined): ReadonlyArray<BucketState> {
    const buckets: Array<BucketState> = []
    if (route === undefined) {
      this.#guesses.clear()
      for (const lane of this.#idle) this.#webhooks.delete(lane.major)
      this.#idle.clear()
      for (const lane of this.#webhooks.values()) for (const one of lane.buckets) buckets.push(one)
    } else {
      this.#guesses.delete(route.name)
      const bucket = this.#webhooks.get(route.major)?.route(route.name)?.bucket
      if (bucket !== undefined) buckets.push(bucket)
    }
    for (const bucket of buckets) bucket.forget()
    return buckets
  }

  /** Marks a webhook as in use. */
  markBusy(lane: WebhookState): void {
    this.#idle.delete(lane)
  }

  /** Marks a webhook as idle. */
  markIdle(lane: WebhookState, now: number): void {
    lane.idleSince = now
    this.#idle.delete(lane)
    this.#idle.add(lane)
  }

  /** Number of idle webhooks. */
  get idle(): number {
    return this.#idle.size
  }

  /** Evicts webhooks that have been idle and unlimited since `before`. */
  sweep(before: number): void {
    for (const lane of this.#idle) {
      if (lane.idleSince > before) break
      if (limitedUntil(lane) > before) continue
      this.#idle.delete(lane)
      this.#webhooks.delete(lane.major)
    }
  }

  /** The webhooks with waiting requests. */
  *withWaiting(): Generator<WebhookState> {
    for (const lane of this.#webhooks.values()) if (lane.waiting > 0) yield lane
  }

  counts(): { readonly buckets: number; readonly waiting: number; readonly inFlight: number } {
    const counts = { buckets: 0, waiting: 0, inFlight: 0 }
    for (const lane of this.#webhooks.values()) {
      counts.buckets += lane.buckets.length
      counts.waiting += lane.waiting
      counts.inFlight += lane.inFlight
    }
    return counts
  }

  #shareWithUnknown(name: string, guess: BucketState): ReadonlyArray<WebhookState> {
    const taught: Array<WebhookState> = []
    for (const lane of this.#webhooks.values()) {
      const bucket = lane.route(name)?.bucket
      if (bucket === undefined || bucket.isKnown) continue
      bucket.guessFrom(guess)
      taught.push(lane)
    }
    return taught
  }

  #firstBucket(lane: WebhookState, routeName: string): BucketState {
    const guess = this.#guesses.get(routeName)
    const id = guess?.id ?? routeName
    const known = lane.bucket(id)
    if (known !== undefined) return known
    const bucket = new BucketState(id, lane)
    if (guess?.limit !== undefined) bucket.guessFrom(guess)
    return bucket
  }
}

function moveRequests(place: RouteState, from: BucketState, to: BucketState): void {
  from.inFlight -= place.inFlight
  to.inFlight += place.inFlight
  const waiting = [...from.queue].filter((ticket) => ticket.routeState === place)
  for (const ticket of waiting) from.queue.remove(ticket)
  to.queue.merge(waiting)
  to.earliestDeadline = Math.min(to.earliestDeadline, from.earliestDeadline)
}

/** The latest reset or end of a block of a webhook. */
function limitedUntil(lane: WebhookState): number {
  let until = 0
  for (const { blockedUntil, resetAt } of lane.buckets.values()) {
    until = Math.max(until, blockedUntil, resetAt ?? 0)
  }
  return until
}
