/**
 * Estimates the global limit that other clients of the same IP address leave, from global 429 responses.
 *
 * A 429 shows that its second is full, so what that second has accepted of our requests is our part.
 * Probes raise the estimate: after some seconds at full load one request more is sent, and another one
 * after each response until the next 429. Nothing else exceeds the estimate meanwhile.
 */
import type { SendTimes } from "./sendTimes.js"

/** Requests per second to an address, as Discord documents it. */
export const documented = 50

/** Milliseconds. Discord counts by the second, whatever the window of a configured limit. */
const second = 1000

/** Seconds between a 429 and the next probe, at full load. */
const rest = 5

export class GlobalEstimate {
  /** Requests per second; `Infinity` until the first 429. */
  #limit = Infinity
  readonly #sent: SendTimes
  #probe: object | undefined = undefined
  /** Number of requests until a probe is due. */
  #rest = 0
  /** The last second with a 429, by its first one, and the number of them. */
  #start = 0
  #freedAt = 0
  #rejected = 0

  constructor(sent: SendTimes) {
    this.#sent = sent
  }

  /** The time from which the next request may start, which may be a probe. */
  availableAt(spread: number): number {
    return this.#fitsAt(this.#limit + (this.#isDue ? 1 : 0), spread)
  }

  /** Called before a send is recorded. One that exceeds the estimate is a probe if that is due. */
  onSend(request: object, now: number, spread: number): void {
    if (this.#isDue && this.#fitsAt(this.#limit, spread) > now) this.#probe = request
    this.#rest -= 1
  }

  /** Called when a request is settled. */
  onOutcome(request: object, isAccepted: boolean): void {
    if (this.#probe !== request) return
    this.#probe = undefined
    if (isAccepted) this.#limit += 1
  }

  /**
   * Lowers the estimate after a global 429 for the request sent at `sentAt`; at most by half, since others
   * may have used most of one second only. With the last 429 of a second it is exact.
   */
  onLimited(sentAt: number, delay: number): void {
    if (sentAt >= this.#freedAt) {
      this.#freedAt = sentAt + delay
      this.#start = sentAt - second + (delay % second)
      this.#rejected = 0
    }
    this.#rejected += 1
    const accepted = this.#sent.countSince(this.#start) - this.#rejected
    const half = Math.min(this.#limit, documented) >> 1
    this.#limit = Math.min(this.#limit, Math.max(1, half, accepted))
    this.#rest = this.#limit * rest
  }

  get #isDue(): boolean {
    return this.#rest <= 0 && this.#probe === undefined
  }

  /** The time from which one request more is within `limit` in each second since the last one with a 429. */
  #fitsAt(limit: number, spread: number): number {
    const last = this.#sent.last(limit)
    return last < this.#freedAt ? 0 : last + second + spread
  }
}
