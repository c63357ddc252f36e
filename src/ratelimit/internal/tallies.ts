/** Counts what the machine does: for the snapshot of one limiter, and for the process's metrics. */
import type { LimitScope } from "../Answer.js"
import type { Findings } from "../strategy/Policy.js"
import type { BucketState, Ticket } from "./bucketState.js"
import { Meters } from "./meters.js"
import type { Tally } from "./snapshot.js"

/** A `Tally` in the making. */
interface Counts {
  requests: number
  waits: number
  waitedMillis: number
  readonly limited: Record<LimitScope, number>
  retries: number
  unusedSlots: number
}

/** A program has a handful of routes and strategies; more share the last one's counts. */
const mostMeters = 64
const mostTallies = 16
const others = "other"

export class Tallies {
  readonly #tallies = new Map<string, Counts>()
  /** By strategy and route. */
  readonly #meters = new Map<string, Map<string, Meters>>()
  #metersCount = 0

  /** A request is left waiting. */
  waits(ticket: Ticket): void {
    ticket.isCounted = true
    this.#metersOf(ticket).depth(1)
  }

  /** It waits no longer, whatever came of it. */
  left(ticket: Ticket): void {
    if (!ticket.isCounted) return
    ticket.isCounted = false
    this.#metersOf(ticket).depth(-1)
  }

  sent(ticket: Ticket, waited: number): void {
    const tally = this.#tallyOf(ticket.policy.name)
    const isRetry = ticket.attempts > 1
    tally.requests += 1
    if (waited > 0) {
      tally.waits += 1
      tally.waitedMillis += waited
    }
    if (isRetry) tally.retries += 1
    this.#metersOf(ticket).sent(waited, isRetry)
  }

  limited(ticket: Ticket, scope: LimitScope): void {
    this.#tallyOf(ticket.policy.name).limited[scope] += 1
    this.#metersOf(ticket).limited(scope)
  }

  unused(ticket: Ticket, slots: number): void {
    if (slots <= 0) return
    this.#tallyOf(ticket.policy.name).unusedSlots += slots
    this.#metersOf(ticket).unused(slots)
  }

  /** Shows what is known after an answer, and returns what the strategy found. */
  learned(ticket: Ticket, bucket: BucketState): Findings {
    const findings = bucket.findingsOf(ticket.policy)
    this.#metersOf(ticket).learned(bucket, findings)
    return findings
  }

  /** By strategy. */
  snapshot(): Readonly<Record<string, Tally>> {
    return Object.fromEntries(
      [...this.#tallies].map(([name, tally]) => [
        name,
        { ...tally, limited: { ...tally.limited } },
      ]),
    )
  }

  #tallyOf(strategy: string): Counts {
    const known = this.#tallies.get(strategy)
    if (known !== undefined) return known
    if (strategy !== others && this.#tallies.size >= mostTallies) return this.#tallyOf(others)
    const tally = {
      requests: 0,
      waits: 0,
      waitedMillis: 0,
      limited: { user: 0, shared: 0, global: 0, edge: 0, proxy: 0 },
      retries: 0,
      unusedSlots: 0,
    }
    this.#tallies.set(strategy, tally)
    return tally
  }

  #metersOf({ policy, route }: Ticket): Meters {
    return this.#metersNamed(route.name, policy.name)
  }

  #metersNamed(route: string, strategy: string): Meters {
    const ofStrategy = this.#meters.get(strategy)
    const known = ofStrategy?.get(route)
    if (known !== undefined) return known
    if (strategy !== others && this.#metersCount >= mostMeters)
      return this.#metersNamed(others, others)
    const meters = new Meters(route, strategy)
    this.#meters.set(strategy, (ofStrategy ?? new Map<string, Meters>()).set(route, meters))
    this.#metersCount += 1
    return meters
  }
}
