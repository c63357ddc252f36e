/**
 * The process's metrics of one route under one strategy. The lists of labels are made once and
 * stay the same: Effect finds what it counts in by the list itself, so a count is one look-up.
 */
import type * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import type { LimitScope } from "../Answer.js"
import * as metrics from "../RateLimitMetrics.js"
import type { Bucket } from "../Bucket.js"
import type { Findings } from "../strategy/Policy.js"

type Labels = ReadonlyArray<MetricLabel.MetricLabel>
type Gauge = Metric.Metric.Gauge<number>

export class Meters {
  readonly #labels: Labels
  readonly #limited: Readonly<Record<LimitScope, Labels>>
  readonly #shown = new Map<Gauge, number>()
  #waiting = 0

  constructor(route: string, strategy: string) {
    const labels = [
      MetricLabel.make(metrics.labels.route, route),
      MetricLabel.make(metrics.labels.strategy, strategy),
    ]
    const of = (scope: LimitScope): Labels => [
      ...labels,
      MetricLabel.make(metrics.labels.scope, scope),
    ]
    this.#labels = labels
    this.#limited = {
      user: of("user"),
      shared: of("shared"),
      global: of("global"),
      edge: of("edge"),
      proxy: of("proxy"),
    }
  }

  sent(waited: number, isRetry: boolean): void {
    metrics.requests.unsafeUpdate(1, this.#labels)
    if (waited > 0) {
      metrics.waits.unsafeUpdate(1, this.#labels)
      metrics.waitDuration.unsafeUpdate(waited / 1000, this.#labels)
    }
    if (isRetry) metrics.retries.unsafeUpdate(1, this.#labels)
  }

  limited(scope: LimitScope): void {
    metrics.limited.unsafeUpdate(1, this.#limited[scope])
  }

  unused(slots: number): void {
    metrics.unusedSlots.unsafeUpdate(slots, this.#labels)
  }

  /** So many more, or fewer, wait. */
  depth(change: number): void {
    this.#waiting += change
    metrics.queueDepth.unsafeUpdate(this.#waiting, this.#labels)
  }

  learned({ limit, period }: Bucket, found: Findings): void {
    this.#show(metrics.limit, limit)
    this.#show(metrics.period, seconds(period))
    this.#show(metrics.hiddenLimit, found.hiddenLimit)
    this.#show(metrics.hiddenPeriod, seconds(found.hiddenPeriod))
    this.#show(metrics.othersRate, found.othersPerSecond)
    this.#show(metrics.caution, seconds(found.caution))
  }

  /** What was never known has no value; what is known no longer is 0. */
  #show(gauge: Gauge, value: number | undefined): void {
    const shown = this.#shown.get(gauge)
    if (value === shown || (value === undefined && shown === undefined)) return
    this.#shown.set(gauge, value ?? 0)
    gauge.unsafeUpdate(value ?? 0, this.#labels)
  }
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000
}
