/**
 * The causal optimum: someone who sees every counter of the server at every instant and knows the
 * shortest way that a message can take, but not how long this one will be on its way, and who must
 * be certain never to be refused. A message under way may arrive in this window or in the next, so
 * it holds a slot of whichever is open, and none is sent earlier before a reset than the shortest
 * way. As soon as a slot is free by that reckoning, he takes it. The messages and their ways are
 * those that the strategies get, and so is what the server counts by.
 *
 * No client that is certain never to be refused is done before him:
 *
 * - On a leaking bucket, message by message: whoever sent all messages before this one no earlier
 *   than he did has at no instant more slots back, and keeps one for each message under way.
 * - On a fixed window, if every message is there within a window's time. Then all that he sent
 *   before a reset has arrived by the next, each window of his is full, and it opens with the first
 *   to arrive of those that no window before had room for. Another's can open earlier only by a
 *   message that was kept back from a window with room for it, and then there is one window more.
 *   (The test looks whether that, too, is later.)
 */
import {
  type Bucket,
  type BucketRule,
  makeBucket,
  takeSlot,
} from "../../src/testing/simulator/bucket.js"
import { Events } from "./events.js"
import type { Scenario } from "./scenario.js"
import { drawOutside, type Trip } from "./world.js"

class Seer {
  readonly #rule: BucketRule
  readonly #trips: ReadonlyArray<Trip>
  /** How many may be unanswered at once. */
  readonly #most: number
  readonly #shortest: number
  readonly #bucket: Bucket = makeBucket()
  readonly #events = new Events()
  #sent = 0
  #onTheirWay = 0
  #answered = 0
  #makespan = 0

  constructor({ visible, model, delivery, link }: Scenario, trips: ReadonlyArray<Trip>) {
    // Who is never refused adds no window.
    const kind = model === "penalty" ? "fixed" : model
    this.#rule = { limit: visible.limit, periodMillis: visible.period, model: kind }
    this.#trips = trips
    this.#most = delivery === "ordered" ? 1 : trips.length
    this.#shortest = link.shortest
  }

  makespan(): number {
    this.#events.at(0, () => this.#look())
    this.#events.run(() => this.#answered === this.#trips.length)
    return this.#makespan
  }

  /** Sends what cannot be refused, whenever it arrives, and looks again at the next free slot. */
  #look(): void {
    const { now } = this.#events
    const earliest = now + this.#shortest
    const trial = { ...this.#bucket }
    for (let held = 0; held < this.#onTheirWay; held += 1) takeSlot(trial, this.#rule, earliest)
    while (this.#sent < this.#trips.length && this.#sent - this.#answered < this.#most) {
      const { accepted, retryAfter } = takeSlot(trial, this.#rule, earliest)
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
        this.#look()
      })
      this.#look()
    })
  }
}

/**
 * The least makespan without foresight and without a 429; `undefined` where more than the visible
 * limit decides, so that not only ways are unknown beforehand.
 */
export function withoutForesight(scenario: Scenario, seed: number): number | undefined {
  return isAlone(scenario) ? Math.max(...eachWithoutForesight(scenario, seed)) : undefined
}

/** The same of each webhook by itself. */
export function eachWithoutForesight(scenario: Scenario, seed: number): ReadonlyArray<number> {
  return drawOutside(scenario, seed).trips.map((trips) => new Seer(scenario, trips).makespan())
}

function isAlone({ hidden, global, changes, foreignPerSecond, shared, faults }: Scenario): boolean {
  return [hidden, global, changes, foreignPerSecond, shared, faults].every(
    (one) => one === undefined,
  )
}
