/**
 * What foresight is worth. Someone who sees every counter of the server at every instant, but not
 * how long a message will be on its way, and who must never be refused: a message under way may
 * arrive in this window or in the next, so it holds a slot of whichever is open, and none may be
 * sent before a reset, since there is no shortest way. As soon as a slot is free by that reckoning,
 * he takes it. No strategy without 429s can do better where ways have no lower bound: it knows less.
 */
import {
  type Bucket,
  type BucketRule,
  makeBucket,
  takeSlot,
} from "../../src/testing/simulator/limit/bucket.js"
import { Events } from "./events.js"
import type { Scenario } from "./scenario.js"
import { drawOutside, type Trip } from "./world.js"

class Seer {
  readonly #rule: BucketRule
  readonly #trips: ReadonlyArray<Trip>
  readonly #bucket: Bucket = makeBucket()
  readonly #events = new Events()
  #sent = 0
  #onTheirWay = 0
  #answered = 0
  #makespan = 0

  constructor({ visible, model }: Scenario, trips: ReadonlyArray<Trip>) {
    this.#rule = { limit: visible.limit, periodMillis: visible.period, model }
    this.#trips = trips
  }

  makespan(): number {
    this.#events.at(0, () => this.#look())
    this.#events.run(() => this.#answered === this.#trips.length)
    return this.#makespan
  }

  /** Sends what cannot be refused, whenever it arrives, and looks again at the next free slot. */
  #look(): void {
    const { now } = this.#events
    const trial = { ...this.#bucket }
    for (let held = 0; held < this.#onTheirWay; held += 1) takeSlot(trial, this.#rule, now)
    while (this.#sent < this.#trips.length) {
      const { accepted, retryAfter } = takeSlot(trial, this.#rule, now)
      if (!accepted) {
        this.#events.at(now + retryAfter, () => this.#look())
        return
      }
      this.#send(this.#trips[this.#sent]!)
    }
  }

  #send({ there, back }: Trip): void {
    this.#sent += 1
    this.#onTheirWay += 1
    this.#events.at(this.#events.now + there, () => {
      const { now } = this.#events
      this.#onTheirWay -= 1
      if (!takeSlot(this.#bucket, this.#rule, now).accepted) throw new Error("he was refused")
      this.#events.at(now + back, () => {
        this.#answered += 1
        this.#makespan = this.#events.now
      })
      this.#look()
    })
  }
}

/** The least makespan without foresight and without a 429; of concurrent delivery. */
export function withoutForesight(scenario: Scenario, seed: number): number {
  const { trips } = drawOutside(scenario, seed)
  return Math.max(...trips.map((one) => new Seer(scenario, one).makespan()))
}
