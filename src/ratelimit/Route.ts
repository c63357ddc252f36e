/**
 * Routes: the method, path template and major parameter (a webhook and its token) that Discord counts
 * a request against, until a response names its bucket.
 *
 * @since 0.1.0
 * @module
 */
import * as Hash from "effect/Hash"
import * as Redacted from "effect/Redacted"

/**
 * The HTTP methods of webhook endpoints. Discord counts each of them separately.
 *
 * @since 0.1.0
 * @category models
 */
export type Method = "GET" | "POST" | "PATCH" | "DELETE"

/**
 * The owner of a token. Discord counts an interaction's requests in their bucket, but not in the
 * global limit.
 *
 * @see https://discord.com/developers/docs/interactions/receiving-and-responding#endpoints
 * @since 0.1.0
 * @category models
 */
export type Kind = "webhook" | "interaction"

/**
 * A route: `name` is its template and safe to show; `major` identifies a webhook without
 * containing a token. Discord counts each webhook and token separately, even with an equal bucket id.
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

/** Caches one string per template, since a program has few of them. */
const maxNames = 64
const names = new Map<string, Map<Method, string>>()

/**
 * Makes a route from its parts. The template has a placeholder for every parameter, so that neither the
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
 * Computes a digest that distinguishes the tokens of one webhook: 32 bits of a 400-bit secret, from
 * which the token cannot be derived. It is equal in every process, hence fit for shared keys.
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
  if (names.size < maxNames) {
    names.set(template, (names.get(template) ?? new Map<Method, string>()).set(method, name))
  }
  return name
}
