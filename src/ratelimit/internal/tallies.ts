/** Counts what the machine does: for the snapshot of one limiter, and for the process's metrics. */
import * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import type { LimitScope } from "../Answer.js"
import * as metrics from "../RateLimitMetrics.js"
import type { Ticket } from "./bucketState.js"
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

/** The metrics of one route under one strategy, with their labels on. */
interface Meters {
  readonly requests: Metric.Metric.Counter<number>
  readonly waits: Metric.Metric.Counter<number>
  readonly waitDuration: typeof metrics.waitDuration
  readonly limited: Readonly<Record<LimitScope, Metric.Metric.Counter<number>>>
  readonly retries: Metric.Metric.Counter<number>
  readonly unusedSlots: Metric.Metric.Counter<number>
  readonly queueDepth: Metric.Metric.Gauge<number>
  waiting: number
}

/** A program has a handful of routes and strategies; more share the last one's counts. */
const mostMeters = 64
const mostTallies = 16
const others = "other"

export class Tallies {
  readonly #tallies = new Map<string, Counts>()
  readonly #meters = new Map<string, Meters>()

  /** A request is left waiting. */
  waits(ticket: Ticket): void {
    ticket.isCounted = true
    this.#depth(ticket, 1)
  }

  /** It waits no longer, whatever came of it. */
  left(ticket: Ticket): void {
    if (!ticket.isCounted) return
    ticket.isCounted = false
    this.#depth(ticket, -1)
  }

  sent(ticket: Ticket, waited: number): void {
    const tally = this.#tallyOf(ticket.policy.name)
    const meters = this.#metersOf(ticket)
    tally.requests += 1
    meters.requests.unsafeUpdate(1, [])
    if (waited > 0) {
      tally.waits += 1
      tally.waitedMillis += waited
      meters.waits.unsafeUpdate(1, [])
      meters.waitDuration.unsafeUpdate(waited / 1000, [])
    }
    if (ticket.attempts > 1) {
      tally.retries += 1
      meters.retries.unsafeUpdate(1, [])
    }
  }

  limited(ticket: Ticket, scope: LimitScope): void {
    this.#tallyOf(ticket.policy.name).limited[scope] += 1
    this.#metersOf(ticket).limited[scope].unsafeUpdate(1, [])
  }

  unused(ticket: Ticket, slots: number): void {
    if (slots <= 0) return
    this.#tallyOf(ticket.policy.name).unusedSlots += slots
    this.#metersOf(ticket).unusedSlots.unsafeUpdate(slots, [])
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

  #depth(ticket: Ticket, change: number): void {
    const meters = this.#metersOf(ticket)
    meters.waiting += change
    meters.queueDepth.unsafeUpdate(meters.waiting, [])
  }

  #tallyOf(strategy: string): Counts {
    const known = this.#tallies.get(strategy)
    if (known !== undefined) return known
    if (strategy !== others && this.#tallies.size >= mostTallies) return this.#tallyOf(others)
    const tally = {
      requests: 0,
      waits: 0,
      waitedMillis: 0,
      limited: { user: 0, shared: 0, global: 0, edge: 0 },
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
    const key = `${strategy} ${route}`
    const known = this.#meters.get(key)
    if (known !== undefined) return known
    if (strategy !== others && this.#meters.size >= mostMeters)
      return this.#metersNamed(others, others)
    const meters = makeMeters(route, strategy)
    this.#meters.set(key, meters)
    return meters
  }
}

function makeMeters(route: string, strategy: string): Meters {
  const labels = [
    MetricLabel.make(metrics.labels.route, route),
    MetricLabel.make(metrics.labels.strategy, strategy),
  ]
  const limited = (scope: LimitScope) =>
    Metric.tagged(Metric.taggedWithLabels(metrics.limited, labels), metrics.labels.scope, scope)
  return {
    requests: Metric.taggedWithLabels(metrics.requests, labels),
    waits: Metric.taggedWithLabels(metrics.waits, labels),
    waitDuration: Metric.taggedWithLabels(metrics.waitDuration, labels),
    limited: {
      user: limited("user"),
      shared: limited("shared"),
      global: limited("global"),
      edge: limited("edge"),
    },
    retries: Metric.taggedWithLabels(metrics.retries, labels),
    unusedSlots: Metric.taggedWithLabels(metrics.unusedSlots, labels),
    queueDepth: Metric.taggedWithLabels(metrics.queueDepth, labels),
    waiting: 0,
  }
}
