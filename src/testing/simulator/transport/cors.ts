import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"

/**
 * Browsers may call the API from any page, and see what it says of rate limits. The names are those
 * that Discord answers; a preflight is no request of the API and takes no slot.
 */
export const allowBrowsers: (app: HttpApp.Default) => HttpApp.Default = HttpMiddleware.cors({
  // Who is no browser names no origin, and hears of none.
  allowedOrigins: (origin) => /^(?:https?:\/\/|null$)/.test(origin),
  allowedMethods: ["POST", "GET", "PUT", "PATCH", "DELETE"],
  allowedHeaders: [
    "Content-Type",
    "Authorization",
    "X-Audit-Log-Reason",
    "X-Track",
    "X-Super-Properties",
    "X-Context-Properties",
    "X-Failed-Requests",
    "X-Fingerprint",
    "X-RPC-Proxy",
    "X-Discord-Locale",
    "X-Debug-Options",
    "x-client-trace-id",
    "If-None-Match",
    "Range",
    "X-RateLimit-Precision",
  ],
  exposedHeaders: [
    "Retry-After",
    "X-RateLimit-Global",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Reset-After",
    "X-RateLimit-Bucket",
    "X-RateLimit-Scope",
    "Date",
  ],
  credentials: true,
})
