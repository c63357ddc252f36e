/** A small independent Discord: counts requests and limits them, without any code of the limiter. */
import { RateLimitHeaders } from "../../../src/index.js"
import type { ResponseInfo } from "../../../src/ratelimit/ResponseInfo.js"

export interface ServerOptions {
  readonly kind: "fixed" | "leaking"
  readonly limit: number
  /** Milliseconds. */
  readonly window: number
  /** How far the server's clock is off, in milliseconds. */
  readonly skew: number
  /** The bucket's name: none, one for each route, one for all routes, or another one in every response. */
  readonly hash: "none" | "route" | "shared" | "changing"
  readonly headers: "all" | "noReset" | "none"
  /** Requests in each second of the server's clock. */
  readonly global: number | undefined
  /** A limit of new messages that no header shows; all webhooks are in one channel. */
  readonly channel?: { readonly limit: number; readonly window: number }
  /** Until then a proxy in front rejects everything, without a delay. */
  readonly edgeUntil?: number
}

/** What the server's clock shows at our instant 0, but for the skew. */
const epoch = 1_700_000_000_000

interface Count {
  used: number
  /** Fixed: when the window ends. Leaking: when all slots are back. */
  until: number
}

interface Verdict {
  readonly accepted: boolean
  readonly remaining: number
  readonly resetAfter: number
  readonly retryAfter: number
}

export class Server {
  readonly options: ServerOptions
  refused = 0
  refusedGlobally = 0
  accepted = 0
  readonly #buckets = new Map<string, Count>()
  readonly #channel: Count = { used: 0, until: -Infinity }
  #second = Number.NaN
  #inSecond = 0
  #names = 0

  constructor(options: ServerOptions) {
    this.options = options
  }

  handle(webhook: string, route: string, now: number): ResponseInfo {
    if (now < (this.options.edgeUntil ?? 0)) {
      const limited = { scope: "edge" as const, retryAfter: undefined }
      return { status: 429, headers: RateLimitHeaders.empty, code: 0, message: "", limited }
    }
    if (this.#overGlobal(now)) {
      this.refusedGlobally += 1
      return this.#globalAnswer(now)
    }
    const key = this.options.hash === "shared" ? webhook : `${webhook} ${route}`
    let count = this.#buckets.get(key)
    if (count === undefined) {
      count = { used: 0, until: Number.NEGATIVE_INFINITY }
      this.#buckets.set(key, count)
    }
    const verdict =
      this.options.kind === "fixed" ? this.#fixed(count, now) : this.#leaking(count, now)
    const retryAfter = verdict.accepted && route === "POST" ? this.#overChannel(now) : 0
    if (verdict.accepted && retryAfter === 0) this.accepted += 1
    else this.refused += 1
    const answer = this.#answer(verdict, route, now)
    if (retryAfter > 0) return { ...answer, status: 429, limited: { scope: "shared", retryAfter } }
    return this.options.channel === undefined ? answer : { ...answer, channelId: "1" }
  }

  /** The milliseconds until the channel accepts another message; 0 if it has accepted this one. */
  #overChannel(now: number): number {
    const { channel } = this.options
    const count = this.#channel
    if (channel === undefined) return 0
    if (now >= count.until) {
      count.used = 0
      count.until = now + channel.window
    }
    if (count.used >= channel.limit) return count.until - now
    count.used += 1
    return 0
  }

  #fixed(count: Count, now: number): Verdict {
    const { limit, window } = this.options
    if (now >= count.until) {
      count.used = 0
      count.until = now + window
    }
    const accepted = count.used < limit
    if (accepted) count.used += 1
    const resetAfter = count.until - now
    return { accepted, remaining: limit - count.used, resetAfter, retryAfter: resetAfter }
  }

  #leaking(count: Count, now: number): Verdict {
    const { limit, window } = this.options
    const slot = window / limit
    const level = Math.max(0, count.until - now)
    const accepted = level + slot <= window + 1e-6
    if (accepted) count.until = now + level + slot
    const after = Math.max(0, count.until - now)
    return {
      accepted,
      remaining: Math.max(0, Math.floor((window - after) / slot + 1e-6)),
      resetAfter: after,
      retryAfter: Math.max(0, after + slot - window),
    }
  }

  #overGlobal(now: number): boolean {
    const { global, skew } = this.options
    if (global === undefined) return false
    const second = Math.floor((now + skew) / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#inSecond = 0
    }
    if (this.#inSecond >= global) return true
    this.#inSecond += 1
    return false
  }

  #answer(verdict: Verdict, route: string, now: number): ResponseInfo {
    const { limit, skew, headers, hash } = this.options
    const resetAfter = Math.ceil(verdict.resetAfter)
    const names = {
      none: undefined,
      route: `hash of ${route}`,
      shared: "hash",
      changing: `hash ${++this.#names}`,
    }
    const all = {
      "x-ratelimit-bucket": names[hash],
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": String(verdict.remaining),
      "x-ratelimit-reset":
        headers === "all"
          ? ((epoch + now + skew + verdict.resetAfter) / 1000).toFixed(3)
          : undefined,
      "x-ratelimit-reset-after": (resetAfter / 1000).toFixed(3),
      "retry-after": verdict.accepted ? undefined : String(Math.ceil(verdict.retryAfter / 1000)),
    }
    const limited = verdict.accepted
      ? undefined
      : { scope: "user" as const, retryAfter: Math.ceil(verdict.retryAfter) }
    return {
      status: verdict.accepted ? 200 : 429,
      headers: headers === "none" ? RateLimitHeaders.empty : RateLimitHeaders.parse(all),
      code: 0,
      message: "",
      limited,
    }
  }

  #globalAnswer(now: number): ResponseInfo {
    const retryAfter = 1000 - ((((now + this.options.skew) % 1000) + 1000) % 1000)
    return {
      status: 429,
      headers: RateLimitHeaders.parse({ "x-ratelimit-global": "true", "retry-after": "1" }),
      code: 0,
      message: "",
      limited: { scope: "global", retryAfter },
    }
  }
}
