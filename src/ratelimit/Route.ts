/**
 * What Discord counts a request against before any answer has named a bucket: method, path template
 * and the major parameter (a webhook and its token).
 *
 * @since 0.1.0
 * @module
 */
import * as Hash from "effect/Hash"
import * as Redacted from "effect/Redacted"

/**
 * The methods that webhooks know. Discord counts each of them on its own.
 *
 * @since 0.1.0
 * @category models
 */
export type Method = "GET" | "POST" | "PATCH" | "DELETE"

/**
 * Who a token belongs to. Discord counts an interaction's requests in their bucket, but not in the
 * global limit.
 *
 * @see https://discord.com/developers/docs/interactions/receiving-and-responding#endpoints
 * @since 0.1.0
 * @category models
 */
export type Kind = "webhook" | "interaction"

/**
 * A route: `name` is its template and safe to show; `major` tells webhooks apart without holding
 * a token. Discord counts each webhook and token on its own, even under an equal bucket id.
 *
 * @see https://discord.com/developers/docs/topics/rate-limits
 * @since 0.1.0
 * @category models
 */
export interface Route {
  readonly method: Method
  /** The function that makes the request, such as `Webhook.send`, for the messages of errors. */
  readonly operation: string
  /** Such as `POST /webhooks/{webhook.id}/{webhook.token}`. */
  readonly name: string
  /** Of an interaction it is the id of the application. */
  readonly webhookId: string
  readonly kind: Kind
  /** The webhook's id and a digest of its token. */
  readonly major: string
}

/** A program has a handful of templates: one string for each, not one for each request. */
const mostNames = 64
const names = new Map<string, Map<Method, string>>()

/**
 * A route from its parts. The template has a placeholder for every parameter, so that neither the
 * token nor a message's id ends up in `name`. `kind` is `"webhook"` by default,
 * `operation` the route's name.
 *
 * @example
 * ```ts
 * import { Route } from "effect-discord"
 * import { Redacted } from "effect"
 *
 * const route = Route.make({
 *   method: "GET",
 *   template: "/webhooks/{webhook.id}/{webhook.token}",
 *   webhookId: "1234",
 *   tokenDigest: Route.digest(Redacted.make("token")),
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: {
  readonly method: Method
  readonly template: string
  readonly webhookId: string
  readonly tokenDigest: string
  readonly kind?: Kind | undefined
  readonly operation?: string | undefined
}): Route => {
  const name = nameOf(options.method, options.template)
  return {
    method: options.method,
    operation: options.operation ?? name,
    name,
    webhookId: options.webhookId,
    kind: options.kind ?? "webhook",
    major: `${options.webhookId}:${options.tokenDigest}`,
  }
}

/**
 * A digest that tells the tokens of one webhook apart: 32 bits of a 400-bit secret, so nothing that
 * could be used as the token or lead back to it. Equal in every process, hence fit for shared keys.
 *
 * @example
 * ```ts
 * import { Route } from "effect-discord"
 * import { Redacted } from "effect"
 *
 * Route.digest(Redacted.make("abc-DEF_5"))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const digest = (token: Redacted.Redacted): string =>
  (Hash.string(Redacted.value(token)) >>> 0).toString(36)

function nameOf(method: Method, template: string): string {
  const known = names.get(template)?.get(method)
  if (known !== undefined) return known
  const name = `${method} ${template}`
  if (names.size < mostNames) {
    names.set(template, (names.get(template) ?? new Map<Method, string>()).set(method, name))
  }
  return name
}
