/**
 * The parts of a response that concern rate limits.
 *
 * @since 0.1.0
 * @module
 */
import type { RateLimitHeaders } from "./RateLimitHeaders.js"

/**
 * The scope of a 429.
 *
 * - `user`: this bucket. `shared`: this webhook's channel, counted over all its users.
 * - `global`: every request of this process.
 * - `edge`: a block in front of the API, with neither Discord's headers nor its JSON (Cloudflare).
 * - `proxy`: the same, where `RestConfig.baseUrl` names another host: the limit of a proxy there.
 *
 * @since 0.1.0
 * @category models
 */
export type LimitScope = "user" | "shared" | "global" | "edge" | "proxy"

/**
 * The limit of a 429. `retryAfter` is milliseconds, the larger of body and header; `undefined` when
 * neither has a usable delay.
 *
 * @since 0.1.0
 * @category models
 */
export interface RateLimited {
  readonly scope: LimitScope
  readonly retryAfter: number | undefined
}

/**
 * A response as the limiter receives it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResponseInfo {
  readonly status: number
  readonly headers: RateLimitHeaders
  /** Discord's JSON error code; 0 when there is none. */
  readonly code: number
  /** Discord's error message without secrets; reused in later errors of a deleted webhook. */
  readonly message: string
  /** Set for a 429, unless it concerns only one thread (slowmode). */
  readonly limited: RateLimited | undefined
  /**
   * The channel of the webhook, if the response contains it: a message sent with `wait` outside of a
   * thread, or the webhook itself. Webhooks of one channel share its hidden limit.
   */
  readonly channelId?: string | undefined
  /** Whether the request deleted its webhook, so that later ones fail without being sent. */
  readonly deleted?: boolean | undefined
}
