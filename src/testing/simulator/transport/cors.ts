import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"

/** The names are those of Discord's responses. */
const allowed = {
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
}

/**
 * Browsers may call the API from any page and read its rate limit headers. A preflight is no request
 * of the API and takes no slot. A client that sends no origin is no browser and gets no such headers.
 *
 * The middleware is made for each request, with its origin: platform 0.90 to 0.92 take a list of
 * origins, but no predicate.
 */
export const allowBrowsers = (app: HttpApp.Default): HttpApp.Default =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers: { origin } }) =>
    origin !== undefined && /^(?:https?:\/\/|null$)/.test(origin)
      ? HttpMiddleware.cors({ ...allowed, allowedOrigins: [origin] })(app)
      : app,
  )
