/** The mutable state of buckets, routes, webhooks, channels and pending requests. */
import type * as Exit from "effect/Exit"
import type { WaitError } from "../../error/WebhookError.js"
import type { Bucket } from "../Bucket.js"
import type { LimitScope } from "../ResponseInfo.js"
import type { Kind, Route } from "../Route.js"
import type { Findings, Observation, Policy } from "../strategy/Policy.js"
import { growingDelay } from "./globalLimiter.js"
import { LinkedQueue, Queued } from "./linkedQueue.js"
import { toMillis } from "../time.js"
import { RoundTrips, Window } from "./window.js"

/** `WaitOptions` with durations in milliseconds. */
export interface RequestOptions {
  readonly policy: Policy
  readonly ordered: boolean
  readonly maxWait: number
  /** Milliseconds after which an unsettled permit expires. */
  readonly lease: number
  readonly owner: RequestOwner
}

/** The layer that a request was made through. */
export interface RequestOwner {
  /** Whether its scope is closed, so that its requests fail. */
  readonly closed?: boolean
  /** Whether its waiting fibers poll with timers of their own. */
  readonly polls?: boolean
  /** Maximum number of waiting requests per bucket. Default: no limit. */
  readonly queueCapacity?: number
}

/** The result of a wait: a permit, an error, or the exception that the policy threw. */
export type WaitResult = Exit.Exit<void, WaitError>

/**
 * - `waiting`: in the queue of its bucket; `parked`: outside of it between two attempts
 * - `granted`: has a permit, but its fiber has not resumed; `held`: its fiber has resumed
 * - `skipped`: its fiber did not resume in time; it waits again if the fiber resumes later
 * - `expired`: its permit was not settled in time and counts as `unknown`
 * - `settled`: settled, failed or cancelled
 */
type State = "waiting" | "parked" | "granted" | "held" | "skipped" | "expired" | "settled"

/** A request from its arrival to its settlement. Between two attempts it may be parked. */
export class PendingRequest extends Queued<PendingRequest> {
  state: State = "waiting"
  /** The time since which it has been waiting. */
  since: number
  /** The time at which it was granted, and then that at which its fiber resumed. */
  sentAt = 0
  /** Whether it is counted in the queue depth metric. */
  isCounted = false
  /** Total milliseconds for which it has waited. */
  waited = 0
  /** The earliest start. */
  notBefore = 0
  /** The result of the last wait; `undefined` while it waits. */
  result: WaitResult | undefined = undefined
  /** Called with the result, if set. */
  resume: ((result: WaitResult) => void) | undefined = undefined

  /** The time after which its fiber is assumed to be gone. */
  presentUntil = Infinity

  readonly sequence: number
  readonly route: Route
  routeState: RouteState
  readonly policy: Policy
  readonly ordered: boolean
  /** The latest start; `Infinity` for no limit. */
  readonly deadline: number
  /** Milliseconds after which an unsettled permit expires. */
  readonly lease: number
  /** The layer that it was made through. */
  readonly owner: RequestOwner
  /** Number of times it was granted. */
  attempts = 0
  /** Number of times it was skipped. */
  skips = 0

  constructor(
    sequence: number,
    route: Route,
    options: RequestOptions,
    routeState: RouteState,
    now: number,
  ) {
    super()
    this.sequence = sequence
    this.route = route
    this.routeState = routeState
    this.policy = options.policy
    this.ordered = options.ordered
    this.deadline = now + options.maxWait
    this.lease = options.lease
    this.owner = options.owner
    this.since = now
  }

  get bucket(): BucketState {
    return this.routeState.bucket
  }

  get hasPermit(): boolean {
    return this.state === "held" || this.state === "granted"
  }

  /** Completes the wait. */
  complete(result: WaitResult): void {
    const { resume } = this
    this.result = result
    this.resume = undefined
    resume?.(result)
  }
}

/** A route on one webhook, with the bucket it is assumed to count against. */
export class RouteState {
  readonly name: string
  readonly webhook: WebhookState
  bucket: BucketState
  /** Its requests in flight. */
  inFlight = 0

  constructor(name: string, webhook: WebhookState, bucket: BucketState) {
    this.name = name
    this.webhook = webhook
    this.bucket = bucket
  }
}

/**
 * The state of one webhook: its routes, their buckets and its requests. A process may have a million of
 * them, and few have more than two routes: hence a list, and sets that are allocated on demand.
 */
export class WebhookState {
  readonly major: string
  readonly kind: Kind
  routes: ReadonlyArray<RouteState> = []
  /** The first ordered request that waits until nothing is in flight; later requests must not overtake it. */
  firstOrdered: PendingRequest | undefined = undefined
  inFlight = 0
  waiting = 0
  idleSince = 0
  /** `undefined` until a response has contained its channel. */
  channel: ChannelState | undefined = undefined
  #parked: Set<PendingRequest> | undefined = undefined

  constructor(major: string, kind: Kind = "webhook") {
    this.major = major
    this.kind = kind
  }

  route(name: string): RouteState | undefined {
    for (const route of this.routes) if (route.name === name) return route
    return undefined
  }

  bucket(id: string): BucketState | undefined {
    for (const { bucket } of this.routes) if (bucket.id === id) return bucket
    return undefined
  }

  /** The distinct buckets of its routes. */
  get buckets(): ReadonlyArray<BucketState> {
    const [first] = this.routes
    if (first !== undefined && this.routes.length === 1) return [first.bucket]
    return [...new Set(this.routes.map(({ bucket }) => bucket))]
  }

  /** Parks a concurrent request between two attempts; others may overtake it. */
  park(request: PendingRequest): void {
    this.#parked ??= new Set()
    this.#parked.add(request)
  }

  /** Removes a parked request. */
  unpark(request: PendingRequest): void {
    this.#parked?.delete(request)
    if (this.#parked?.size === 0) this.#parked = undefined
  }

  /** All waiting and parked requests. */
  *pending(): Generator<PendingRequest> {
    for (const bucket of this.buckets) yield* bucket.queue
    if (this.#parked !== undefined) yield* this.#parked
  }
}

function hasWaiting({ waiting }: { readonly waiting: number }): boolean {
  return waiting > 0
}

/** What a policy has learned for a channel. */
export interface ChannelMemory {
  /** That of the webhook that observed last. */
  memory: unknown
  /** The buckets whose memories it includes. */
  readonly merged: {
    readonly has: (bucket: BucketState) => boolean
    readonly add: (bucket: BucketState) => unknown
  }
}

/**
 * A channel with its webhooks, of which Discord permits 15. From the second one on, they share what
 * their policies have learned for the channel.
 */
export class ChannelState {
  readonly id: string
  webhooks: ReadonlyArray<WebhookState> = []
  /** By policy; `undefined` before the second webhook. */
  memories: Map<string, ChannelMemory> | undefined = undefined

  constructor(id: string) {
    this.id = id
  }

  get isShared(): boolean {
    return this.memories !== undefined
  }

  /** The buckets with waiting requests. */
  get waiting(): ReadonlyArray<BucketState> {
    return this.webhooks.filter(hasWaiting).flatMap(({ buckets }) => buckets.filter(hasWaiting))
  }

  /** Number of messages in flight. It is computed for every response. */
  get inFlight(): number {
    let sum = 0
    for (const { routes } of this.webhooks)
      for (const { bucket, inFlight } of routes) if (bucket.channel !== undefined) sum += inFlight
    return sum
  }

  /** Adds a webhook. The memories of two are merged at once, so that both count. */
  join(webhook: WebhookState): void {
    webhook.channel = this
    this.webhooks = [...this.webhooks, webhook]
    if (this.webhooks.length === 1) return
    this.memories ??= new Map()
    for (const { buckets } of this.webhooks)
      for (const bucket of buckets)
        if (bucket.learnedBy !== undefined) bucket.withMemoryOf(bucket.learnedBy)
  }

  /** Returns the memory of a bucket with what all webhooks have learned; merges it the first time. */
  recall({ channel, name }: Policy, bucket: BucketState, own: unknown): unknown {
    if (channel === undefined) return own
    const known = this.memories?.get(name)
    if (known === undefined) {
      this.memories?.set(name, { memory: own, merged: new WeakSet([bucket]) })
      return own
    }
    if (!known.merged.has(bucket)) {
      known.merged.add(bucket)
      known.memory = channel.merge(own, known.memory)
    }
    return known.memory === own ? own : channel.copy(own, known.memory)
  }

  record({ name }: Policy, memory: unknown): void {
    const known = this.memories?.get(name)
    if (known !== undefined) known.memory = memory
  }

  reset(): void {
    this.memories?.clear()
  }
}

/** Maximum number of policies beside the current one; a program uses one or two. */
const maxMemories = 7

/** The memory of one policy. */
export interface Memory {
  readonly policy: string
  readonly value: unknown
}

/** The memories of policies on one bucket; a list, since there are few. */
export type Memories = ReadonlyArray<Memory>

/** Shared, because a process may have a million buckets. */
export const noMemories: Memories = []

export function findMemory(memories: Memories, policy: string): Memory | undefined {
  return memories.find((one) => one.policy === policy)
}

export function withoutMemory(memories: Memories, policy: string): Memories {
  const others = memories.filter((one) => one.policy !== policy)
  return others.length > 0 ? others : noMemories
}

export function putMemory(memories: Memories, policy: string, value: unknown): Memories {
  return [...withoutMemory(memories, policy).slice(-(maxMemories - 1)), { policy, value }]
}

const noFindings: Findings = {}

export type WindowOver = Extract<Observation, { readonly _tag: "WindowOver" }>

export class BucketState implements Bucket {
  id: string
  readonly webhook: WebhookState
  readonly queue = new LinkedQueue<PendingRequest>()
  inFlight = 0
  window = new Window()
  /** Whether a response, here or on the same route of another webhook, has described the bucket. */
  isKnown = false
  blockedUntil = 0
  blockedBy: LimitScope | undefined = undefined
  /** Whether one request probes after a 429, while the others wait for its response. */
  probing = false
  /** Number of consecutive 429 responses without a delay. */
  blocksWithoutDelay = 0
  /** A lower bound of the deadlines of waiting requests. */
  earliestDeadline = Infinity
  roundTrip: RoundTrips | undefined = undefined
  /** The memory that `withMemoryOf` has exposed to a policy. */
  memory: unknown = undefined
  /** The memory of the policy that observed last; usually the only one. */
  learned: unknown = undefined
  learnedBy: Policy | undefined = undefined
  /** The memories of other policies. */
  otherMemories = noMemories
  /** A window that has ended, until the next policy has observed it. */
  finishedWindow: WindowOver | undefined = undefined
  /** The exception that a policy has thrown while it observed. */
  thrown: { readonly policy: string; readonly defect: unknown } | undefined = undefined
  /** The memories of the bucket that this one was initialized from. */
  inherited = noMemories

  constructor(id: string, webhook: WebhookState) {
    this.id = id
    this.webhook = webhook
  }

  /** The channel, if messages are sent under this bucket, and others of its webhooks are known. */
  get channel(): ChannelState | undefined {
    const { channel, routes } = this.webhook
    if (channel?.isShared !== true) return undefined
    for (const { bucket, name } of routes)
      if (bucket === this && name.startsWith("POST")) return channel
    return undefined
  }
  get channelInFlight(): number {
    return this.channel?.inFlight ?? this.inFlight
  }
  get limit(): number | undefined {
    return this.window.limit
  }
  get remaining(): number {
    return this.window.remaining
  }
  get waiting(): number {
    return this.queue.length
  }
  get resetAt(): number | undefined {
    return this.window.resetAt
  }
  get resetEarliest(): number | undefined {
    return this.window.resetEarliest
  }
  get model(): Bucket["model"] {
    return this.window.model
  }
  get period(): number | undefined {
    return this.window.period
  }
  get slot(): number | undefined {
    return this.window.slot
  }

  enqueue(request: PendingRequest): void {
    this.queue.insert(request)
    this.earliestDeadline = Math.min(this.earliestDeadline, request.deadline)
  }

  /**
   * Blocks the bucket after a 429. Without a delay, each consecutive block is longer; 429s of requests
   * that were in flight together count once.
   */
  block(scope: LimitScope, delay: number | undefined, sentAt: number, now: number): void {
    const isNewBlock = this.blocksWithoutDelay === 0 || sentAt >= this.blockedUntil
    if (delay === undefined && isNewBlock) this.blocksWithoutDelay += 1
    const until = now + (delay ?? growingDelay(scope, this.blocksWithoutDelay))
    this.blockedUntil = Math.max(this.blockedUntil, until)
    this.blockedBy = scope
    this.probing = true
  }

  /** Counts a request without a response. After a probe, the next one waits until its slot is refilled. */
  consume(sentAt: number, now: number): void {
    this.window.consume(sentAt, now, this.inFlight)
    if (!this.probing) return
    const until = now + (this.period ?? 0) / (this.limit ?? 1)
    this.blockedUntil = Math.max(this.blockedUntil, until)
  }

  /** Ends the block after a request that was not limited. */
  unblock(): void {
    this.probing = false
    this.blocksWithoutDelay = 0
  }

  /** Restores the slots when the window is over, and records the event for the next policy. */
  roll(now: number, lead = 0): void {
    const { model, resetAt, resetEarliest } = this
    const unused = this.window.roll(now, lead)
    if (unused === undefined || resetAt === undefined) return
    if (resetEarliest !== undefined && model !== "leaking")
      this.roundTrip?.addResetUncertainty(resetAt - resetEarliest)
    const head = this.queue.head
    const waiting = head !== undefined && head.since < resetAt ? this.waiting : 0
    this.finishedWindow = { _tag: "WindowOver", at: now, unused, waiting }
  }

  /**
   * Rolls with the policy's lead and passes a finished window to it. Returns the number of slots left
   * unused although requests waited.
   */
  rollFor(policy: Policy, now: number): number {
    const lead = toMillis(policy.lead?.(this.withMemoryOf(policy)) ?? 0)
    this.roll(now, lead > 0 ? lead : 0)
    const { finishedWindow } = this
    if (finishedWindow === undefined) return 0
    this.finishedWindow = undefined
    this.observe(policy, finishedWindow)
    return Math.min(finishedWindow.unused, finishedWindow.waiting)
  }

  /** Sets `memory` to the one of a policy, and returns the bucket. */
  withMemoryOf(policy: Policy): this {
    const { channel } = this
    const own = this.learnedBy?.name === policy.name ? this.learned : this.#recall(policy)
    this.memory = channel === undefined ? own : channel.recall(policy, this, own)
    return this
  }

  /** Initializes from the bucket of the same route on another webhook. */
  guessFrom(other: BucketState): void {
    this.window.guess(other.window)
    if (other.roundTrip !== undefined) this.roundTrip = new RoundTrips(other.roundTrip)
    this.isKnown = true
    this.inherited =
      other.learnedBy === undefined
        ? other.otherMemories
        : putMemory(other.otherMemories, other.learnedBy.name, other.learned)
  }

  observe(policy: Policy, observation: Observation): void {
    const { memory, learnedBy } = this.withMemoryOf(policy)
    const learned = this.#observeWith(policy, memory, observation)
    if (learnedBy !== undefined && learnedBy.name !== policy.name) {
      this.otherMemories = putMemory(this.otherMemories, learnedBy.name, this.learned)
    }
    this.learned = learned
    this.learnedBy = policy
    if (this.inherited !== noMemories) this.inherited = withoutMemory(this.inherited, policy.name)
    this.channel?.record(policy, learned)
  }

  /** The findings of a policy for metrics and logs. */
  findingsOf(policy: Policy): Findings {
    if (policy.findings === undefined) return noFindings
    const { memory } = this.withMemoryOf(policy)
    try {
      return policy.findings(memory)
    } catch (defect) {
      this.thrown = { policy: policy.name, defect }
      return noFindings
    }
  }

  /** The exception of the policy's `observe`: a defect that the next request fails with. */
  getDefect(policy: Policy): { readonly defect: unknown } | undefined {
    return this.thrown?.policy === policy.name ? this.thrown : undefined
  }

  /** Resets what was learned; requests in flight and waiting stay. */
  reset(): void {
    this.channel?.reset()
    this.window = new Window()
    this.isKnown = false
    this.blockedUntil = 0
    this.blockedBy = undefined
    this.unblock()
    this.roundTrip = undefined
    this.learned = undefined
    this.learnedBy = undefined
    this.otherMemories = noMemories
    this.finishedWindow = undefined
    this.thrown = undefined
    this.inherited = noMemories
  }

  /** Runs `observe`; an exception must not interrupt the transition. */
  #observeWith(policy: Policy, memory: unknown, observation: Observation): unknown {
    try {
      return policy.observe(memory, observation, this)
    } catch (defect) {
      this.thrown = { policy: policy.name, defect }
      return memory
    }
  }

  #recall(policy: Policy): unknown {
    const own = findMemory(this.otherMemories, policy.name)
    if (own !== undefined) return own.value
    const inherited = findMemory(this.inherited, policy.name)
    return inherited === undefined || policy.inherit === undefined
      ? policy.initial
      : policy.inherit(inherited.value)
  }
}
