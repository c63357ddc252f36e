/** Counts requests, for the snapshot of a limiter and for the metrics of the process. */
import type * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import type { Bucket } from "../Bucket.js"
import * as metrics from "../RateLimitMetrics.js"
import type { LimitScope } from "../ResponseInfo.js"
import type { Findings } from "../strategy/Policy.js"
import type { BucketState, PendingRequest } from "./bucketState.js"

/**
 * Counts of one strategy on this limiter, as plain JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface StrategyCounts {
  /** Attempts with a permit. */
  readonly requests: number
  /** Attempts that waited for a permit, and their total wait in milliseconds. */
  readonly waits: number
  readonly waitedMillis: number
  /** 429 responses by scope. */
  readonly limited: Readonly<Record<LimitScope, number>>
  /** Attempts after the first. */
  readonly retries: number
  /** Slots that were unused at a reset although requests waited. */
  readonly unusedSlots: number
}

/**
 * Counts of the whole limiter, as plain JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  readonly buckets: number
  readonly waiting: number
  readonly inFlight: number
  readonly deadWebhooks: number
  /** Responses 401, 403 and 429 (unless shared) in the last 10 minutes. */
  readonly invalidRequests: number
  /** By the strategy's name. */
  readonly strategies: Readonly<Record<string, StrategyCounts>>
}

/**
 * The state of a bucket, with the beliefs of the strategy that was last used on it.
 *
 * @since 0.1.0
 * @category models
 */
export interface BucketSnapshot extends Bucket {
  /** The strategy's name; `undefined` before the first request. */
  readonly strategy: string | undefined
  /** The strategy's memory as plain JSON, from its `explain`. */
  readonly beliefs: unknown
}

/** Mutable `StrategyCounts`. */
interface Counts {
  requests: number
  waits: number
  waitedMillis: number
  readonly limited: Record<LimitScope, number>
  retries: number
  unusedSlots: number
}

/** Maximum numbers of recorders and strategies; further ones are counted as `other`. */
const maxRecorders = 64
const maxStrategies = 16
const otherName = "other"

type MetricLabels = ReadonlyArray<MetricLabel.MetricLabel>
type Gauge = Metric.Metric.Gauge<number>

/**
 * The metrics of one route under one strategy. Each label list is allocated once, since Effect looks a metric
 * up by the identity of the list.
 */
class MetricsRecorder {
  readonly #labels: MetricLabels
  readonly #labelsByScope = new Map<LimitScope, MetricLabels>()
  readonly #shown = new Map<Gauge, number>()
  #waiting = 0

  constructor(route: string, strategy: string) {
    this.#labels = [
      MetricLabel.make(metrics.labels.route, route),
      MetricLabel.make(metrics.labels.strategy, strategy),
    ]
  }

  onSent(waited: number, isRetry: boolean): void {
    metrics.requests.unsafeUpdate(1, this.#labels)
    if (waited > 0) {
      metrics.waits.unsafeUpdate(1, this.#labels)
      metrics.waitDuration.unsafeUpdate(waited / 1000, this.#labels)
    }
    if (isRetry) metrics.retries.unsafeUpdate(1, this.#labels)
  }

  onLimited(scope: LimitScope): void {
    const known = this.#labelsByScope.get(scope)
    const labels = known ?? [...this.#labels, MetricLabel.make(metrics.labels.scope, scope)]
    if (known === undefined) this.#labelsByScope.set(scope, labels)
    metrics.limited.unsafeUpdate(1, labels)
  }

  onUnusedSlots(slots: number): void {
    metrics.unusedSlots.unsafeUpdate(slots, this.#labels)
  }

  /** Changes the queue depth. */
  changeDepth(change: number): void {
    this.#waiting += change
    metrics.queueDepth.unsafeUpdate(this.#waiting, this.#labels)
  }

  onResponse({ limit, period }: Bucket, found: Findings): void {
    this.#show(metrics.limit, limit)
    this.#show(metrics.period, millisToSeconds(period))
    this.#show(metrics.hiddenLimit, found.hiddenLimit)
    this.#show(metrics.hiddenPeriod, millisToSeconds(found.hiddenPeriod))
    this.#show(metrics.othersRate, found.othersPerSecond)
    this.#show(metrics.caution, millisToSeconds(found.caution))
  }

  /** Sets a gauge. A value that is no longer known becomes 0; one that never was is not set. */
  #show(gauge: Gauge, value: number | undefined): void {
    const shown = this.#shown.get(gauge)
    if (value === shown || (value === undefined && shown === undefined)) return
    this.#shown.set(gauge, value ?? 0)
    gauge.unsafeUpdate(value ?? 0, this.#labels)
  }
}

function millisToSeconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000
}

export class Statistics {
  readonly #counts = new Map<string, Counts>()
  /** By strategy and route. */
  readonly #recorders = new Map<string, Map<string, MetricsRecorder>>()
  #recorderCount = 0

  /** Called when a request starts to wait. */
  onQueued(request: PendingRequest): void {
    request.isCounted = true
    this.#recorderOf(request).changeDepth(1)
  }

  /** Called when a request stops waiting. */
  onLeft(request: PendingRequest): void {
    if (!request.isCounted) return
    request.isCounted = false
    this.#recorderOf(request).changeDepth(-1)
  }

  onSent(request: PendingRequest, waited: number): void {
    const counts = this.#countsOf(request.policy.name)
    const isRetry = request.attempts > 1
    counts.requests += 1
    if (waited > 0) {
      counts.waits += 1
      counts.waitedMillis += waited
    }
    if (isRetry) counts.retries += 1
    this.#recorderOf(request).onSent(waited, isRetry)
  }

  onLimited(request: PendingRequest, scope: LimitScope): void {
    this.#countsOf(request.policy.name).limited[scope] += 1
    this.#recorderOf(request).onLimited(scope)
  }

  onUnusedSlots(request: PendingRequest, slots: number): void {
    if (slots <= 0) return
    this.#countsOf(request.policy.name).unusedSlots += slots
    this.#recorderOf(request).onUnusedSlots(slots)
  }

  /** Updates the gauges after a response, and returns the strategy's findings. */
  onResponse(request: PendingRequest, bucket: BucketState): Findings {
    const findings = bucket.findingsOf(request.policy)
    this.#recorderOf(request).onResponse(bucket, findings)
    return findings
  }

  /** By strategy. */
  snapshot(): Readonly<Record<string, StrategyCounts>> {
    return Object.fromEntries(
      [...this.#counts].map(([name, counts]) => [
        name,
        { ...counts, limited: { ...counts.limited } },
      ]),
    )
  }

  #countsOf(strategy: string): Counts {
    const known = this.#counts.get(strategy)
    if (known !== undefined) return known
    if (strategy !== otherName && this.#counts.size >= maxStrategies)
      return this.#countsOf(otherName)
    const counts = {
      requests: 0,
      waits: 0,
      waitedMillis: 0,
      limited: { user: 0, shared: 0, global: 0, edge: 0, proxy: 0 },
      retries: 0,
      unusedSlots: 0,
    }
    this.#counts.set(strategy, counts)
    return counts
  }

  #recorderOf({ policy, route }: PendingRequest): MetricsRecorder {
    return (
      this.#recorders.get(policy.name)?.get(route.name) ??
      this.#addRecorder(route.name, policy.name)
    )
  }

  #addRecorder(route: string, strategy: string): MetricsRecorder {
    if (strategy !== otherName && this.#recorderCount >= maxRecorders) {
      return (
        this.#recorders.get(otherName)?.get(otherName) ?? this.#addRecorder(otherName, otherName)
      )
    }
    const recorder = new MetricsRecorder(route, strategy)
    const ofStrategy = this.#recorders.get(strategy) ?? new Map<string, MetricsRecorder>()
    this.#recorders.set(strategy, ofStrategy.set(route, recorder))
    this.#recorderCount += 1
    return recorder
  }
}
