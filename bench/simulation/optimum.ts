/**
 * The offline optimum: the same messages, limits, link, delivery and outside, sent by someone who
 * sees into the server and into the future. Each message goes at the first instant at which the
 * server will take it; in order of arrival over all webhooks, which is fair and, since every
 * message takes the same, leaves no slot unused that could be used.
 */
import {
  type Bucket,
  type BucketRule,
  makeBucket,
  takeSlot,
} from "../../src/testing/simulator/bucket.js"
import { Events } from "./events.js"
import { epoch, type Scenario } from "./scenario.js"
import { drawOutside, type Outside, type Trip } from "./world.js"

class Oracle {
  readonly #scenario: Scenario
  readonly #outside: Outside
  readonly #events = new Events()
  readonly #visible: Array<Bucket>
  readonly #hidden: Array<Bucket>
  readonly #sharedUntil: Array<number>
  #limit: number
  #global: number | undefined
  #second = { index: -1, requests: 0 }
  #open: number
  #makespan = 0

  constructor(scenario: Scenario, outside: Outside) {
    this.#scenario = scenario
    this.#outside = outside
    this.#visible = outside.trips.map(() => makeBucket())
    this.#hidden = outside.trips.map(() => makeBucket())
    this.#sharedUntil = outside.trips.map(() => 0)
    this.#limit = scenario.visible.limit
    this.#global = scenario.global
    this.#open = outside.trips.flat().length
  }

  makespan(): number {
    for (const { at, limit } of this.#scenario.changes ?? []) {
      this.#events.at(at, () => {
        this.#limit = limit
      })
    }
    for (const { at, limit } of this.#outside.global) {
      this.#events.at(at, () => {
        this.#global = limit
      })
    }
    this.#outside.trips.forEach((trips, webhook) => {
      this.#play(this.#outside.foreign[webhook] ?? [], 0, () => this.#takeForeign(webhook))
      this.#play(this.#outside.shared[webhook] ?? [], 0, () => {
        this.#sharedUntil[webhook] = this.#events.now + (this.#scenario.shared?.length ?? 0)
      })
      if (this.#scenario.delivery === "ordered") this.#sendNext(webhook, trips, 0)
      else trips.forEach((trip, message) => this.#send(webhook, trip, message, () => {}))
    })
    this.#events.run(() => this.#open === 0)
    return this.#makespan
  }

  #play(instants: ReadonlyArray<number>, next: number, play: () => void): void {
    const at = instants[next]
    if (at === undefined) return
    this.#events.at(at, () => {
      play()
      this.#play(instants, next + 1, play)
    })
  }

  #sendNext(webhook: number, trips: ReadonlyArray<Trip>, message: number): void {
    const trip = trips[message]
    if (trip === undefined) return
    this.#send(webhook, trip, message, () => this.#sendNext(webhook, trips, message + 1))
  }

  /** Sends it such that it arrives when the server takes it; not before now. */
  #send(webhook: number, trip: Trip, message: number, done: () => void): void {
    const isFaulty = this.#outside.isFaulty[webhook]?.[message] === true
    const arrive = (): void => {
      const opens = isFaulty ? this.#events.now : this.#take(webhook)
      if (opens > this.#events.now) {
        this.#events.at(opens, arrive)
        return
      }
      this.#events.at(this.#events.now + trip.back, () => {
        this.#open -= 1
        this.#makespan = Math.max(this.#makespan, this.#events.now)
        done()
      })
    }
    this.#events.at(this.#events.now + trip.there, arrive)
  }

  /** Takes a slot of everything, if all have one: then it answers now, else when to look again. */
  #take(webhook: number): number {
    const { now } = this.#events
    const shared = this.#sharedUntil[webhook] ?? 0
    if (shared > now) return shared
    const buckets = [
      { bucket: this.#visible[webhook], rule: this.#visibleRule() },
      { bucket: this.#hidden[this.#channelOf(webhook)], rule: this.#hiddenRule() },
    ]
    let opens = this.#globalOpens()
    for (const { bucket, rule } of buckets) {
      if (bucket === undefined || rule === undefined) continue
      const trial = takeSlot({ ...bucket }, rule, now)
      if (trial.accepted) continue
      // A trial costs nothing here: no window is added.
      const free = rule.model === "penalty" ? bucket.resetAt : now + trial.retryAfter
      opens = Math.max(opens, free)
    }
    if (opens > now) return opens
    for (const { bucket, rule } of buckets) {
      if (bucket !== undefined && rule !== undefined) takeSlot(bucket, rule, now)
    }
    this.#second.requests += 1
    return now
  }

  #channelOf(webhook: number): number {
    return Math.floor(webhook / (this.#scenario.perChannel ?? 1))
  }

  #takeForeign(webhook: number): void {
    const bucket = this.#visible[webhook]
    if (bucket !== undefined) takeSlot(bucket, this.#visibleRule(), this.#events.now)
  }

  #globalOpens(): number {
    const global = this.#global
    const start = epoch + (this.#scenario.skew ?? 0)
    const index = Math.floor((this.#events.now + start) / 1000)
    if (index !== this.#second.index) this.#second = { index, requests: 0 }
    return global !== undefined && this.#second.requests >= global ? (index + 1) * 1000 - start : 0
  }

  #visibleRule(): BucketRule {
    const { visible, model } = this.#scenario
    return { limit: this.#limit, periodMillis: visible.period, model }
  }

  #hiddenRule(): BucketRule | undefined {
    const { hidden } = this.#scenario
    return hidden && { limit: hidden.limit, periodMillis: hidden.period, model: hidden.model }
  }
}

export function optimum(scenario: Scenario, seed: number): number {
  return new Oracle(scenario, drawOutside(scenario, seed)).makespan()
}
