/** Counts invalid requests, so that they never lead to a ban. */
import * as Duration from "effect/Duration"
import type { ResponseInfo } from "../ResponseInfo.js"

const period = Duration.toMillis("10 minutes")
const slots = 60
const slotLength = period / slots

/**
 * Counts the responses 401, 403 and 429 (unless `shared`) of the last 10 minutes. Discord bans an IP
 * address at 10 000.
 *
 * @see https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
 * @internal
 */
export class InvalidRequests {
  /** From half of the limit requests are spaced; at the limit they are rejected. */
  limit: number
  #count = 0
  readonly #slots: Array<number> = Array.from({ length: slots }, () => 0)
  /** The index of the newest slot since the clock's origin. */
  #newest = 0

  constructor(limit: number) {
    this.limit = limit
  }

  static isInvalid(response: ResponseInfo): boolean {
    if (response.status === 429) return (response.limited ?? response.headers).scope !== "shared"
    return response.status === 401 || response.status === 403
  }

  add(now: number): void {
    this.#expire(now)
    this.#slots[this.#newest % slots] = (this.#slots[this.#newest % slots] ?? 0) + 1
    this.#count += 1
  }

  count(now: number): number {
    this.#expire(now)
    return this.#count
  }

  /**
   * Milliseconds between requests once half of the limit is used: even if all of them were invalid, the
   * limit would not be reached before the oldest ones expire.
   */
  spacing(now: number): number {
    const count = this.count(now)
    return count < Math.floor(this.limit / 2) ? 0 : period / Math.max(1, this.limit - count)
  }

  /** Milliseconds until the oldest counted requests expire. */
  retryAfter(now: number): number {
    this.#expire(now)
    for (let age = slots - 1; age >= 0; age -= 1) {
      const slot = this.#newest - age
      if (slot >= 0 && (this.#slots[slot % slots] ?? 0) > 0)
        return (slot + slots) * slotLength - now
    }
    return 0
  }

  #expire(now: number): void {
    const current = Math.floor(now / slotLength)
    const steps = Math.min(current - this.#newest, slots)
    for (let step = 1; step <= steps; step += 1) {
      const slot = (this.#newest + step) % slots
      this.#count -= this.#slots[slot] ?? 0
      this.#slots[slot] = 0
    }
    this.#newest = Math.max(this.#newest, current)
  }
}
