/** The mutable side of a bucket, and what hangs together with it: routes, lanes and tickets. */
import type * as Exit from "effect/Exit"
import type { WaitError } from "../../error/WebhookError.js"
import type { Bucket } from "../Bucket.js"
import type { LimitScope } from "../ResponseInfo.js"
import type { Kind, Route } from "../Route.js"
import type { Findings, Observation, Policy } from "../strategy/Policy.js"
import { growingDelay } from "./growingDelay.js"
import { Memories } from "./memories.js"
import { toMillis } from "./durations.js"
import { LinkedQueue, Queued } from "./linkedQueue.js"
import { RoundTrips } from "./resetEstimates.js"
import { Window } from "./window.js"

/** How a request wants to wait; the milliseconds side of `WaitOptions`. */
export interface RequestOptions {
  readonly policy: Policy
  readonly ordered: boolean
  readonly maxWait: number
  /** Milliseconds after which a permit that was not settled is taken back. */
  readonly lease: number
  readonly owner: RequestOwner
}

/** On whose behalf requests wait: a layer. */
export interface RequestOwner {
  /** Its scope is closed: none of its requests may wait any more. */
  readonly closed?: boolean
  /** Whether its waiting fibers poll, each by timers of its own. */
  readonly polls?: boolean
  /** Its requests fail where as many wait for a bucket. Without it there is no limit. */
  readonly queueCapacity?: number
}

/** How a wait ended: with a permit, with an error, or with the exception that the policy threw. */
export type WaitResult = Exit.Exit<void, WaitError>

/**
 * - `waiting` in the queue of its bucket, `resting` outside of it between two attempts
 * - `granted`: it has a permit, and its fiber has not resumed yet; `held`: it has resumed
 * - `passedOver`: its fiber did not resume in time; it waits again if the fiber resumes later
 * - `expired`: its permit was not settled in time, and is taken for `unknown`
 * - `over`: settled, failed or cancelled
 */
type State = "waiting" | "parked" | "granted" | "held" | "skipped" | "expired" | "settled"

/**
 * A request from its arrival to its settlement: first it waits, then it holds a permit, and between
 * two attempts it may rest outside the queue.
 */
export class PendingRequest extends Queued<PendingRequest> {
  state: State = "waiting"
  /** When it arrived, or came back to wait again. */
  since: number
  sentAt = 0
  /** Whether it is part of the queue's depth as metrics show it. */
  isCounted = false
  waited = 0
  /** It does not go before this instant. */
  notBefore = 0
  /** How the last wait ended; `undefined` while it goes on. */
  result: WaitResult | undefined = undefined
  /** Who is told of it, unless it is read off. */
  resume: ((ending: WaitResult) => void) | undefined = undefined

  /** Its fiber is assumed to be gone after this instant. */
  presentUntil = Number.POSITIVE_INFINITY

  readonly sequence: number
  readonly route: Route
  routeState: RouteState
  readonly policy: Policy
  readonly ordered: boolean
  /** The instant after which waiting is no longer wanted; `Infinity` for never. */
  readonly deadline: number
  readonly lease: number
  /** Whose scope ends it. */
  readonly owner: RequestOwner
  /** How many times it was granted. */
  attempts = 0

  constructor(
    sequence: number,
    route: Route,
    wish: RequestOptions,
    place: RouteState,
    now: number,
  ) {
    super()
    this.sequence = sequence
    this.route = route
    this.routeState = place
    this.policy = wish.policy
    this.ordered = wish.ordered
    this.deadline = now + wish.maxWait
    this.lease = wish.lease
    this.owner = wish.owner
    this.since = now
  }

  get bucket(): BucketState {
    return this.routeState.bucket
  }

  get hasPermit(): boolean {
    return this.state === "held" || this.state === "granted"
  }

  /** Ends the wait. */
  complete(ending: WaitResult): void {
    const { resume } = this
    this.result = ending
    this.resume = undefined
    resume?.(ending)
  }
}

/** A route on one webhook, and the bucket it counts against as far as is known. */
export class RouteState {
  readonly name: string
  readonly webhook: WebhookState
  bucket: BucketState
  /** Its requests under way. */
  inFlight = 0

  constructor(name: string, lane: WebhookState, bucket: BucketState) {
    this.name = name
    this.webhook = lane
    this.bucket = bucket
  }
}

/**
 * All of one webhook: its routes and their buckets, and whether one of its requests is under way.
 * A process may know a million of them, and few have more than two routes: hence a list, and sets
 * only where there is something in them.
 */
export class WebhookState {
  readonly major: string
  readonly kind: Kind
  routes: ReadonlyArray<RouteState> = []
  /** The ordered request that waits until nothing is under way; younger ones let it go first. */
  waitingAlone: PendingRequest | undefined = undefined
  inFlight = 0
  waiting = 0
  idleSince = 0
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

  /** Each once, though routes share them. */
  get buckets(): ReadonlyArray<BucketState> {
    const [first] = this.routes
    if (first !== undefined && this.routes.length === 1) return [first.bucket]
    return [...new Set(this.routes.map(({ bucket }) => bucket))]
  }

  /** A concurrent request between two attempts; others pass it by. */
  park(ticket: PendingRequest): void {
    this.#parked ??= new Set()
    this.#parked.add(ticket)
  }

  /** It rests no more. */
  unpark(ticket: PendingRequest): void {
    this.#parked?.delete(ticket)
    if (this.#parked?.size === 0) this.#parked = undefined
  }

  /** Whoever waits or rests. */
  *pending(): Generator<PendingRequest> {
    for (const bucket of this.buckets) yield* bucket.queue
    if (this.#parked !== undefined) yield* this.#parked
  }
}

const noFindings: Findings = {}

type WindowOver = Extract<Observation, { readonly _tag: "WindowOver" }>

export class BucketState implements Bucket {
  id: string
  readonly webhook: WebhookState
  readonly queue = new LinkedQueue<PendingRequest>()
  inFlight = 0
  window = new Window()
  /** Whether an answer, here or on the same route of another webhook, has told what to expect. */
  isKnown = false
  blockedUntil = 0
  blockedBy: LimitScope | undefined = undefined
  /** After a 429 one request goes ahead, and the others wait for its answer. */
  probing = false
  /** Consecutive 429 responses that named no delay. */
  blocksWithoutDelay = 0
  /** No waiting request has an earlier deadline. */
  earliestDeadline = Number.POSITIVE_INFINITY
  roundTrip: RoundTrips | undefined = undefined
  memory: unknown = undefined
  /** What the policy has learned that was last told something here: nearly always the only one. */
  learned: unknown = undefined
  learnedBy: Policy | undefined = undefined
  /** What the others have. */
  #others: Memories | undefined = undefined
  #over: WindowOver | undefined = undefined
  #failed: { readonly policy: string; readonly defect: unknown } | undefined = undefined
  /** What policies had learned on the bucket that this one was guessed from. */
  #inherited: Memories | undefined = undefined

  constructor(id: string, lane: WebhookState) {
    this.id = id
    this.webhook = lane
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

  enqueue(ticket: PendingRequest): void {
    this.queue.insert(ticket)
    this.earliestDeadline = Math.min(this.earliestDeadline, ticket.deadline)
  }

  /** A 429 of this bucket. Without a delay each one blocks for longer; those in flight together count once. */
  block(scope: LimitScope, delay: number | undefined, sentAt: number, now: number): void {
    const isLater = this.blocksWithoutDelay === 0 || sentAt >= this.blockedUntil
    if (delay === undefined && isLater) this.blocksWithoutDelay += 1
    const until = now + (delay ?? growingDelay(scope, this.blocksWithoutDelay))
    this.blockedUntil = Math.max(this.blockedUntil, until)
    this.blockedBy = scope
    this.probing = true
  }

  /** A request sent after the last block was not limited. */
  unblock(): void {
    this.probing = false
    this.blocksWithoutDelay = 0
  }

  /** Gives the slots back if the window is over, and remembers to tell the next policy that asks. */
  roll(now: number, lead = 0): void {
    const { model, resetAt, resetEarliest } = this
    const unused = this.window.roll(now, lead)
    if (unused === undefined || resetAt === undefined) return
    if (resetEarliest !== undefined && model !== "leaking")
      this.roundTrip?.reset(resetAt - resetEarliest)
    const head = this.queue.head
    const waiting = head !== undefined && head.since < resetAt ? this.waiting : 0
    this.#over = { _tag: "WindowOver", at: now, unused, waiting }
  }

  /**
   * Rolls by the policy's own lead, and tells it of a window that is over. Returns how many slots
   * were left unused that someone waited for.
   */
  rollFor(policy: Policy, now: number): number {
    const lead = toMillis(policy.lead?.(this.seenBy(policy)) ?? 0)
    this.roll(now, lead > 0 ? lead : 0)
    if (this.#over === undefined) return 0
    const over = this.#over
    this.#over = undefined
    this.observe(policy, over)
    return Math.min(over.unused, over.waiting)
  }

  /** Puts the policy's own memory in view. */
  seenBy(policy: Policy): this {
    this.memory = this.learnedBy?.name === policy.name ? this.learned : this.#recall(policy)
    return this
  }

  /** Starts from what another webhook's bucket of the same route has learned. */
  guessFrom(other: BucketState): void {
    this.window.guess(other.window)
    if (other.roundTrip !== undefined) this.roundTrip = new RoundTrips(other.roundTrip)
    this.isKnown = true
    this.#inherited =
      other.learnedBy === undefined
        ? undefined
        : (other.#others ?? new Memories()).with(other.learnedBy.name, other.learned)
  }

  observe(policy: Policy, observation: Observation): void {
    const { memory, learnedBy } = this.seenBy(policy)
    const learned = this.#observeWith(policy, memory, observation)
    if (learnedBy !== undefined && learnedBy.name !== policy.name) {
      this.#others ??= new Memories()
      this.#others.put(learnedBy.name, this.learned)
    }
    this.learned = learned
    this.learnedBy = policy
    this.#inherited = this.#inherited?.without(policy.name)
  }

  /** What a policy shows of what it has learned. */
  findingsOf(policy: Policy): Findings {
    if (policy.findings === undefined) return noFindings
    const { memory } = this.seenBy(policy)
    try {
      return policy.findings(memory)
    } catch (defect) {
      this.#failed = { policy: policy.name, defect }
      return noFindings
    }
  }

  /** What a policy threw when it was told something: a bug, to be seen by who asks it next. */
  getDefect(policy: Policy): { readonly defect: unknown } | undefined {
    return this.#failed?.policy === policy.name ? this.#failed : undefined
  }

  /** Forgets what was learned; requests in flight and waiting stay. */
  forget(): void {
    this.window = new Window()
    this.isKnown = false
    this.blockedUntil = 0
    this.blockedBy = undefined
    this.unblock()
    this.roundTrip = undefined
    this.learned = undefined
    this.learnedBy = undefined
    this.#others = undefined
    this.#over = undefined
    this.#failed = undefined
    this.#inherited = undefined
  }

  /** A transition must come to its end, whatever a policy throws. */
  #observeWith(policy: Policy, memory: unknown, observation: Observation): unknown {
    try {
      return policy.observe(memory, observation, this)
    } catch (defect) {
      this.#failed = { policy: policy.name, defect }
      return memory
    }
  }

  #recall(policy: Policy): unknown {
    const own = this.#others?.find(policy.name)
    if (own !== undefined) return own.value
    const inherited = this.#inherited?.find(policy.name)
    return inherited === undefined || policy.inherit === undefined
      ? policy.initial
      : policy.inherit(inherited.value)
  }
}
