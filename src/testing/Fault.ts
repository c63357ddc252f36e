/**
 * What can go wrong with a request, to be injected into a `DiscordSimulator`.
 *
 * @since 0.1.0
 * @module
 */
import * as Duration from "effect/Duration"
import * as internal from "./simulator/faults.js"

/**
 * A whole answer as the client reads it: `body` is text (of a file, what its bytes spell), header
 * names are lower case.
 *
 * @since 0.1.0
 * @category models
 */
export type PlainResponse = internal.PlainResponse

/**
 * What a request is chosen by: its operation, method, ids, and its number from 1.
 *
 * @since 0.1.0
 * @category models
 */
export type FaultTarget = internal.FaultTarget

/**
 * One thing that goes wrong. Made by the constructors of this module.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = internal.Fault

/**
 * Another answer instead of Discord's. The request takes no effect, unless `processed` is true:
 * then Discord acted, and its own answer was lost. An object as `body` is written as JSON.
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
 * Discord's own answer, changed on its way: another header, another body.
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
 * Discord's own answer, this much later. A delay of `Duration.infinity`: Discord acted and never answers.
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
 * A page of HTML with this status, as a load balancer writes it.
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
 * A line of plain text with this status: a 503 says `upstream connect error`.
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
 * Cloudflare's own rate limit: status 429, the text `error code: 1015`, no header that helps.
 * `retryAfter`, in seconds, adds the one header it sometimes has.
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
 * Discord acted and answers its status with an empty body.
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
 * Discord acted; the answer is complete HTTP, but only half of its JSON.
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
 * No connection: Discord certainly did not see the request. Over a real socket, where the server
 * is listening, this is `resetBefore`.
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
 * The connection is reset before Discord acts. The client cannot know that.
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
 * Discord acts, and the connection is reset before its answer: accepted, then dropped.
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
 * Discord acts, and the connection is cut in the middle of the answer's body. An answer without a
 * body is dropped instead.
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
 * The request arrives, nothing happens, and no answer ever comes.
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
