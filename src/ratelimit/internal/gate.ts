/**
 * What every request of the process passes: the global limit, and the blocks after a global 429 or
 * by the edge in front of the API.
 */
import * as Duration from "effect/Duration"
import { growingDelay } from "./growingDelay.js"

/** Which 429 responses hold up every request of the process. */
type HostScope = "global" | "edge"

/** The spread of latencies assumed at most; beyond it a reserve would cost more than a rare 429. */
const longestSpread = 250

/** @internal */
export class Gate {
  readonly #limit: number
  readonly #window: number
  /** The last `limit` instants of sending, as a ring that grows until it is full. */
  readonly #sent: Array<number> = []
  #next = 0
  #blockedUntil = 0
  #blockedBy: HostScope = "global"
  /** After a block one request goes ahead, and the others wait for its answer. */
  #looking = false
  #probe: object | undefined = undefined
  /** Consecutive blocks whose 429 named no delay. */
  #undelayed = 0
  #spacing = 0
  #spread = 0

  constructor(options: { readonly globalLimit: number; readonly globalWindow: Duration.Duration }) {
    this.#limit = options.globalLimit
    this.#window = Duration.toMillis(options.globalWindow)
  }

  /** The end of the last block; in the past if there is none. */
  get blockedUntil(): number {
    return this.#blockedUntil
  }

  /** Who made the last block. */
  get blockedBy(): HostScope {
    return this.#blockedBy
  }

  /**
   * The instant from which the next request may pass; `Infinity` while a probe is under way.
   *
   * No real interval of a window's length holds more than `limit` sends, however the server's
   * seconds lie; the spread of latencies is added, since it lets sends bunch up on the way.
   */
  opensAt(): number {
    if (this.#looking && this.#probe !== undefined) return Number.POSITIVE_INFINITY
    const oldest = this.#sent[this.#next] ?? Number.NEGATIVE_INFINITY
    const last = this.#sent[(this.#next + this.#limit - 1) % this.#limit] ?? oldest
    return Math.max(
      this.#blockedUntil,
      oldest + this.#window + this.#spread,
      this.#spacing === 0 ? 0 : last + this.#spacing,
    )
  }

  pass(request: object, now: number): void {
    this.#sent[this.#next] = now
    this.#next = (this.#next + 1) % this.#limit
    if (this.#looking) this.#probe = request
  }

  /** A request that passed is settled; `open` when its answer shows that the block is over. */
  settled(request: object, open: boolean): void {
    if (this.#probe !== request) return
    this.#probe = undefined
    if (!open) return
    this.#looking = false
    this.#undelayed = 0
  }

  /**
   * A 429 for the whole host. Without a delay each one blocks for longer; those in flight together
   * count once. Returns whether it has closed what was open.
   */
  block(scope: HostScope, delay: number | undefined, sentAt: number, now: number): boolean {
    const wasOpen = !this.#looking || this.#blockedUntil <= now
    const isLater = this.#undelayed === 0 || sentAt >= this.#blockedUntil
    if (delay === undefined && isLater) this.#undelayed += 1
    const until = now + (delay ?? growingDelay(scope, this.#undelayed))
    this.#looking = true
    if (until > this.#blockedUntil) {
      this.#blockedUntil = until
      this.#blockedBy = scope
    }
    return wasOpen
  }

  /** Milliseconds between requests, to save what is left of the invalid requests; 0 for none. */
  space(milliseconds: number): void {
    this.#spacing = milliseconds
  }

  /** Takes the spread of round trips into account. */
  observe(spread: number): void {
    this.#spread = Math.min(longestSpread, spread)
  }
}
