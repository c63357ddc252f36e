/**
 * Failures of requests, for injection into a `DiscordSimulator`.
 *
 * @since 0.1.0
 * @module
 */
import * as Duration from "effect/Duration"
import * as internal from "./simulator/faults.js"

/**
 * A complete response. Header names are lower case; `body` is text, also for files.
 *
 * @since 0.1.0
 * @category models
 */
export type PlainResponse = internal.PlainResponse

/**
 * The properties of a request by which a fault selects it. `sequence` starts at 1.
 *
 * @since 0.1.0
 * @category models
 */
export type FaultTarget = internal.FaultTarget

/**
 * A failure, made by the constructors of this module.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = internal.Fault

/**
 * Replaces Discord's response. The request has no effect unless `processed` is true: then Discord
 * processes it, and its own response is lost. An object as `body` is serialized as JSON.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Fault } from "effect-discord/testing"
 *
 * Fault.respond({ status: 500, body: { message: "500: Internal Server Error", code: 0 } })
 * Fault.respond({ status: 502, processed: true })
 * ```
 */
export const respond = (options: {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | object | undefined
  readonly processed?: boolean | undefined
}): Fault => {
  const isJson = typeof options.body === "object"
  const contentType = isJson ? { "content-type": "application/json" } : {}
  return internal.Fault.Respond({
    response: {
      status: options.status,
      headers: { ...contentType, ...lowerCaseNames(options.headers ?? {}) },
      body: isJson ? JSON.stringify(options.body) : (options.body ?? ""),
    },
    processed: options.processed ?? false,
  })
}

/**
 * Changes Discord's response, for example a header or the body.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Fault } from "effect-discord/testing"
 *
 * Fault.alter((response) => ({
 *   ...response,
 *   headers: { ...response.headers, "x-ratelimit-remaining": "many" }
 * }))
 * ```
 */
export const alter = (change: (response: PlainResponse) => PlainResponse): Fault =>
  internal.Fault.Alter({ change })

/**
 * Delays Discord's response. With `Duration.infinity`, Discord processes the request and never
 * responds.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Duration } from "effect"
 * import { Fault } from "effect-discord/testing"
 *
 * Fault.delay("30 seconds")
 * Fault.delay(Duration.infinity)
 * ```
 */
export const delay = (duration: Duration.DurationInput): Fault =>
  internal.Fault.Delay({ millis: Duration.toMillis(duration) })

/**
 * Responds with an HTML page of this status, as load balancers do.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Fault } from "effect-discord/testing"
 *
 * Fault.html(502)
 * ```
 */
export const html = (status: number): Fault =>
  respond({
    status,
    headers: { "content-type": "text/html; charset=UTF-8" },
    body: `<!DOCTYPE html><html><head><title>${status}</title></head><body>error ${status}</body></html>`,
  })

/**
 * Responds with plain text of this status, as proxies do.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Fault } from "effect-discord/testing"
 *
 * Fault.text(503, "upstream connect error")
 * ```
 */
export const text = (status: number, body: string): Fault =>
  respond({ status, headers: { "content-type": "text/plain; charset=UTF-8" }, body })

/**
 * Responds as Cloudflare's own rate limit does: status 429, the text `error code: 1015`, no rate
 * limit headers. `retryAfter`, in seconds, adds `Retry-After`, which Cloudflare sends sometimes.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Fault } from "effect-discord/testing"
 *
 * Fault.cloudflareLimit()
 * Fault.cloudflareLimit({ retryAfter: 3600 })
 * ```
 */
export const cloudflareLimit = (options?: { readonly retryAfter?: number | undefined }): Fault =>
  respond({
    status: 429,
    headers: {
      "content-type": "text/plain; charset=UTF-8",
      ...(options?.retryAfter === undefined ? {} : { "retry-after": String(options.retryAfter) }),
    },
    body: "error code: 1015",
  })

/**
 * Discord processes the request and responds with its status and an empty body.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator, Fault } from "effect-discord/testing"
 *
 * const program = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
 *   simulator.inject(Fault.emptyBody)
 * )
 * ```
 */
export const emptyBody: Fault = alter((response) => ({ ...response, body: "" }))

/**
 * Discord processes the request; its response is complete HTTP with the first half of the JSON.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator, Fault } from "effect-discord/testing"
 *
 * const program = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
 *   simulator.inject(Fault.truncatedJson, { match: "execute" })
 * )
 * ```
 */
export const truncatedJson: Fault = alter((response) => ({
  ...response,
  body: response.body.slice(0, Math.floor(response.body.length / 2)),
}))

/**
 * Refuses the connection, so Discord does not receive the request. On a socket, where the server is
 * listening, this is `resetBefore`.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator, Fault } from "effect-discord/testing"
 *
 * const program = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
 *   simulator.inject(Fault.refuseConnection, { times: 3 })
 * )
 * ```
 */
export const refuseConnection: Fault = internal.Fault.Connection({ outcome: "refused" })

/**
 * Resets the connection before Discord processes the request. A client cannot distinguish this from
 * `resetAfter`.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator, Fault } from "effect-discord/testing"
 *
 * const program = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
 *   simulator.inject(Fault.resetBefore)
 * )
 * ```
 */
export const resetBefore: Fault = internal.Fault.Connection({ outcome: "reset" })

/**
 * Resets the connection after Discord processed the request, before its response.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator, Fault } from "effect-discord/testing"
 *
 * const program = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
 *   simulator.inject(Fault.resetAfter, { match: "execute" })
 * )
 * ```
 */
export const resetAfter: Fault = internal.Fault.Connection({ outcome: "dropped" })

/**
 * Closes the connection in the middle of the response's body, after Discord processed the request.
 * A response without a body is dropped instead.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator, Fault } from "effect-discord/testing"
 *
 * const program = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
 *   simulator.inject(Fault.truncateBody)
 * )
 * ```
 */
export const truncateBody: Fault = internal.Fault.Connection({ outcome: "truncated" })

/**
 * Receives the request and never responds. Discord does not process it.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { DiscordSimulator, Fault } from "effect-discord/testing"
 *
 * const program = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
 *   simulator.inject(Fault.neverRespond, { times: Infinity })
 * )
 * ```
 */
export const neverRespond: Fault = internal.Fault.Connection({ outcome: "noResponse" })

function lowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
}
