/** The mutable side of a bucket, and what hangs together with it: routes, lanes and tickets. */
import type * as Exit from "effect/Exit"
import type { WaitError } from "../../error/WebhookError.js"
import type { Bucket } from "../Bucket.js"
import type { LimitScope } from "../Answer.js"
import type { Route } from "../Route.js"
import type { Observation, Policy } from "../strategy/Policy.js"
import { Queue, Queued } from "./queue.js"
import { RoundTrips } from "./roundTrips.js"
import { Window } from "./window.js"

/** How a request wants to wait; the milliseconds side of `WaitOptions`. */
export interface Wish {
  readonly policy: Policy
  readonly ordered: boolean
  readonly maxWait: number
  readonly owner: object
}

/** How a wait ended: with a permit, with an error, or with the exception that the policy threw. */
export type Ending = Exit.Exit<void, WaitError>

/**
 * A request from its arrival to its settlement: first it waits, then it holds a permit, and between
 * two attempts it may rest outside the queue.
 */
export class Ticket extends Queued<Ticket> {
  state: "waiting" | "resting" | "granted" | "over" = "waiting"
  /** When it arrived, or came back to wait again. */
  since: number
  sentAt = 0
  /** Whether it is part of the queue's depth as metrics show it. */
  isCounted = false
  waited = 0
  /** It does not go before this instant. */
  notBefore = 0
  /** How the last wait ended; `undefined` while it goes on. */
  ending: Ending | undefined = undefined
  /** Who is told of it, unless it is read off. */
  resume: ((ending: Ending) => void) | undefined = undefined

  readonly sequence: number
  readonly route: Route
  readonly place: RouteState
  readonly policy: Policy
  readonly ordered: boolean
  /** The instant after which waiting is no longer wanted; `Infinity` for never. */
  readonly deadline: number
  /** Whose scope ends it. */
  readonly owner: object
  /** How many times it was granted. */
  attempts = 0

  constructor(sequence: number, route: Route, wish: Wish, place: RouteState, now: number) {
    super()
    this.sequence = sequence
    this.route = route
    this.place = place
    this.policy = wish.policy
    this.ordered = wish.ordered
    this.deadline = now + wish.maxWait
    this.owner = wish.owner
    this.since = now
  }

  get bucket(): BucketState {
    return this.place.bucket
  }

  /** Ends the wait. */
  end(ending: Ending): void {
    const { resume } = this
    this.ending = ending
    this.resume = undefined
    resume?.(ending)
  }
}

/** A route on one webhook, and the bucket it counts against as far as is known. */
export class RouteState {
  readonly name: string
  readonly lane: Lane
  bucket: BucketState

  constructor(name: string, lane: Lane, bucket: BucketState) {
    this.name = name
    this.lane = lane
    this.bucket = bucket
  }
}

/** All of one webhook: its routes and buckets, and whether one of its requests is under way. */
export class Lane {
  readonly major: string
  readonly routes = new Map<string, RouteState>()
  readonly buckets = new Map<string, BucketState>()
  /** Concurrent requests between two attempts; others pass them by. */
  readonly resting = new Set<Ticket>()
  /** The ordered request that waits until nothing is under way; younger ones let it go first. */
  asking: Ticket | undefined = undefined
  inFlight = 0
  waiting = 0
  idleSince = 0

  constructor(major: string) {
    this.major = major
  }

  /** Whoever waits or rests. */
  *pending(): Generator<Ticket> {
    for (const bucket of this.buckets.values()) yield* bucket.queue
    yield* this.resting
  }
}

type WindowOver = Extract<Observation, { readonly _tag: "WindowOver" }>

/** Policies remembered for one bucket at most; a program uses one or two. */
const mostMemories = 8

export class BucketState implements Bucket {
  id: string
  readonly lane: Lane
  readonly queue = new Queue<Ticket>()
  /** The requests under way, as far as they have to be told apart. */
  readonly tickets = new Set<Ticket>()
  window = new Window()
  /** Whether an answer, here or on the same route of another webhook, has told what to expect. */
  known = false
  blockedUntil = 0
  blockedBy: LimitScope | undefined = undefined
  /** After a 429 one request goes ahead, and the others wait for its answer. */
  looking = false
  /** No waiting request has an earlier deadline. */
  patience = Number.POSITIVE_INFINITY
  roundTrip: RoundTrips | undefined = undefined
  memory: unknown = undefined
  /** What the policy has learned that was last told something here. */
  learned: unknown = undefined
  learnedBy: Policy | undefined = undefined
  readonly #memories = new Map<string, unknown>()
  #over: WindowOver | undefined = undefined
  #broken: { readonly policy: string; readonly defect: unknown } | undefined = undefined
  #ancestral: ReadonlyMap<string, unknown> | undefined = undefined

  constructor(id: string, lane: Lane) {
    this.id = id
    this.lane = lane
  }

  get limit(): number | undefined {
    return this.window.limit
  }
  get remaining(): number {
    return this.window.remaining
  }
  get inFlight(): number {
    return this.tickets.size
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

  enqueue(ticket: Ticket): void {
    this.queue.insert(ticket)
    this.patience = Math.min(this.patience, ticket.deadline)
  }

  /** Gives the slots back if the window is over, and remembers to tell the next policy that asks. */
  roll(now: number, lead = 0): void {
    const { resetAt } = this
    const unused = this.window.roll(now, lead)
    if (unused === undefined || resetAt === undefined) return
    const head = this.queue.head
    const waiting = head !== undefined && head.since < resetAt ? this.waiting : 0
    this.#over = { _tag: "WindowOver", at: now, unused, waiting }
  }

  /**
   * Rolls by the policy's own lead, and tells it of a window that is over. Returns how many slots
   * were left unused that someone waited for.
   */
  rollFor(policy: Policy, now: number): number {
    const lead = policy.lead?.(this.seenBy(policy)) ?? 0
    this.roll(now, lead > 0 ? lead : 0)
    if (this.#over === undefined) return 0
    const over = this.#over
    this.#over = undefined
    this.observe(policy, over)
    return Math.min(over.unused, over.waiting)
  }

  /** Puts the policy's own memory in view. */
  seenBy(policy: Policy): this {
    this.memory = this.#memories.has(policy.name)
      ? this.#memories.get(policy.name)
      : this.#firstMemory(policy)
    return this
  }

  /** Starts from what another webhook's bucket of the same route has learned. */
  guessFrom(other: BucketState): void {
    this.window = Window.guess(other.window)
    if (other.roundTrip !== undefined) this.roundTrip = new RoundTrips(other.roundTrip)
    this.known = true
    this.#ancestral = new Map(other.#memories)
  }

  observe(policy: Policy, observation: Observation): void {
    const { memory } = this.seenBy(policy)
    const learned = this.#told(policy, memory, observation)
    this.learned = learned
    this.learnedBy = policy
    if (learned === memory) return
    this.#memories.set(policy.name, learned)
    if (this.#memories.size <= mostMemories) return
    for (const oldest of this.#memories.keys()) {
      this.#memories.delete(oldest)
      return
    }
  }

  /** What a policy threw when it was told something: a bug, to be seen by who asks it next. */
  brokenBy(policy: Policy): { readonly defect: unknown } | undefined {
    return this.#broken?.policy === policy.name ? this.#broken : undefined
  }

  /** Forgets what was learned; requests in flight and waiting stay. */
  forget(): void {
    this.window = new Window()
    this.known = false
    this.blockedUntil = 0
    this.blockedBy = undefined
    this.looking = false
    this.roundTrip = undefined
    this.learned = undefined
    this.#over = undefined
    this.#broken = undefined
    this.#memories.clear()
    this.#ancestral = undefined
  }

  /** A transition must come to its end, whatever a policy throws. */
  #told(policy: Policy, memory: unknown, observation: Observation): unknown {
    try {
      return policy.observe(memory, observation, this)
    } catch (defect) {
      this.#broken = { policy: policy.name, defect }
      return memory
    }
  }

  #firstMemory(policy: Policy): unknown {
    const inherited = this.#ancestral?.get(policy.name)
    return inherited === undefined || policy.inherit === undefined
      ? policy.initial
      : policy.inherit(inherited)
  }
}
