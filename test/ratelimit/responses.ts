/** Builders for responses and outcomes, as the limiter receives them. */
import * as Redacted from "effect/Redacted"
import { RateLimitHeaders, Route } from "../../src/index.js"
import type { ResponseInfo, LimitScope } from "../../src/ratelimit/ResponseInfo.js"
import { responded, type Outcome } from "../../src/ratelimit/Permit.js"

type Headers = RateLimitHeaders.RateLimitHeaders

export const route = (
  options: {
    readonly webhookId?: string
    readonly token?: string
    readonly method?: Route.Method
    readonly template?: string
    readonly kind?: Route.Kind
  } = {},
): Route.Route =>
  Route.make({
    method: options.method ?? "POST",
    template: options.template ?? "/webhooks/{webhook.id}/{webhook.token}",
    webhookId: options.webhookId ?? "1",
    tokenDigest: Route.digest(Redacted.make(options.token ?? "token")),
    kind: options.kind,
  })

export const headers = (values: Partial<Headers> = {}): Headers => ({
  ...RateLimitHeaders.empty,
  bucket: "hash",
  limit: 5,
  remaining: 4,
  resetAfter: 2000,
  ...values,
})

export const response = (values: Partial<ResponseInfo> = {}): ResponseInfo => ({
  status: 200,
  headers: headers(),
  code: 0,
  message: "",
  limited: undefined,
  ...values,
})

/** A success with these headers on top of 4 of 5 left for 2 s. */
export const ok = (values: Partial<Headers> = {}): Outcome =>
  responded(response({ headers: headers(values) }))

/** A response without rate-limit headers. */
export const withoutHeaders = (values: Partial<ResponseInfo> = {}): Outcome =>
  responded(response({ headers: RateLimitHeaders.empty, ...values }))

export const limited = (
  retryAfter: number | undefined,
  scope: LimitScope = "user",
  values: Partial<Headers> = {},
): Outcome =>
  responded(
    response({
      status: 429,
      headers: headers({ remaining: 0, retryAfter, resetAfter: retryAfter, ...values }),
      message: "You are being rate limited.",
      limited: { scope, retryAfter },
    }),
  )

/** A 429 of the whole host: no word about a bucket. */
export const blocked = (scope: "global" | "edge", retryAfter?: number): Outcome =>
  responded(
    response({
      status: 429,
      headers: RateLimitHeaders.empty,
      limited: { scope, retryAfter },
    }),
  )

/** The webhook is gone. */
export const deleted = (code: 10015 | 50027 = 10015): Outcome =>
  responded(
    response({
      status: code === 10015 ? 404 : 401,
      headers: RateLimitHeaders.empty,
      code,
      message: code === 10015 ? "Unknown Webhook" : "Invalid Webhook Token",
    }),
  )
