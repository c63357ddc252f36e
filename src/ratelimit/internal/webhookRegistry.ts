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
    let webhook = this.#webhooks.get(route.major)
    if (webhook === undefined) {
      webhook = new WebhookState(route.major, route.kind)
      this.#webhooks.set(route.major, webhook)
    }
    const known = webhook.route(route.name)
    if (known !== undefined) return known
    const routeState = new RouteState(route.name, webhook, this.#firstBucket(webhook, route.name))
    webhook.routes = [...webhook.routes, routeState]
    return routeState
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
      for (const webhook of this.#idle) this.#webhooks.delete(webhook.major)
      this.#idle.clear()
      for (const webhook of this.#webhooks.values())
        for (const one of webhook.buckets) buckets.push(one)
    } else {
      this.#guesses.delete(route.name)
      const bucket = this.#webhooks.get(route.major)?.route(route.name)?.bucket
      if (bucket !== undefined) buckets.push(bucket)
    }
    for (const bucket of buckets) bucket.forget()
    return buckets
  }

  /** Marks a webhook as in use. */
  markBusy(webhook: WebhookState): void {
    this.#idle.delete(webhook)
  }

  /** Marks a webhook as idle. */
  markIdle(webhook: WebhookState, now: number): void {
    webhook.idleSince = now
    this.#idle.delete(webhook)
    this.#idle.add(webhook)
  }

  /** Number of idle webhooks. */
  get idle(): number {
    return this.#idle.size
  }

  /** Evicts webhooks that have been idle and unlimited since `before`. */
  sweep(before: number): void {
    for (const webhook of this.#idle) {
      if (webhook.idleSince > before) break
      if (limitedUntil(webhook) > before) continue
      this.#idle.delete(webhook)
      this.#webhooks.delete(webhook.major)
    }
  }

  /** The webhooks with waiting requests. */
  *withWaiting(): Generator<WebhookState> {
    for (const webhook of this.#webhooks.values()) if (webhook.waiting > 0) yield webhook
  }

  counts(): { readonly buckets: number; readonly waiting: number; readonly inFlight: number } {
    const counts = { buckets: 0, waiting: 0, inFlight: 0 }
    for (const webhook of this.#webhooks.values()) {
      counts.buckets += webhook.buckets.length
      counts.waiting += webhook.waiting
      counts.inFlight += webhook.inFlight
    }
    return counts
  }

  #shareWithUnknown(name: string, guess: BucketState): ReadonlyArray<WebhookState> {
    const taught: Array<WebhookState> = []
    for (const webhook of this.#webhooks.values()) {
      const bucket = webhook.route(name)?.bucket
      if (bucket === undefined || bucket.isKnown) continue
      bucket.guessFrom(guess)
      taught.push(webhook)
    }
    return taught
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

function moveRequests(routeState: RouteState, from: BucketState, to: BucketState): void {
  from.inFlight -= routeState.inFlight
  to.inFlight += routeState.inFlight
  const waiting = [...from.queue].filter((request) => request.routeState === routeState)
  for (const request of waiting) from.queue.remove(request)
  to.queue.merge(waiting)
  to.earliestDeadline = Math.min(to.earliestDeadline, from.earliestDeadline)
}

/** The latest reset or end of a block of a webhook. */
function limitedUntil(webhook: WebhookState): number {
  let until = 0
  for (const { blockedUntil, resetAt } of webhook.buckets.values()) {
    until = Math.max(until, blockedUntil, resetAt ?? 0)
  }
  return until
}
