/**
 * An answer, as far as limits are concerned.
 *
 * @since 0.1.0
 * @module
 */
import type { RateLimitHeaders } from "./RateLimitHeaders.js"

/**
 * Whom a 429 limits.
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
 * What a 429 says. `retryAfter` is milliseconds, the larger of body and header; `undefined` when
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
 * An answer as the limiter sees it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResponseInfo {
  readonly status: number
  readonly headers: RateLimitHeaders
  /** Discord's JSON error code; 0 when there is none. */
  readonly code: number
  /** Discord's sentence to an error, without secrets; repeated when a dead webhook is refused. */
  readonly message: string
  /** Set when the status is 429, unless only one thread is limited: its slowmode. */
  readonly limited: RateLimited | undefined
  /** Whether the request has deleted its webhook: later ones fail without being sent. */
  readonly deleted?: boolean | undefined
}
