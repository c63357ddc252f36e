import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { webhookUrlNotSet } from "../error/message.js"
import { WebhookInvalidUrl } from "../error/WebhookError.js"
import * as Snowflake from "../model/Snowflake.js"
import * as Route from "../ratelimit/Route.js"
import { isToken } from "./operations.js"
import * as WebhookUrl from "./WebhookUrl.js"

/**
 * A webhook's credentials. The token is redacted: neither printing nor `JSON.stringify` shows it.
 * Credentials with the same id, token and thread are equal.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 *
 * const label = (hook: Webhook.Webhook) => `${hook}` // Webhook(1234)
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class Webhook extends Data.Class<{
  readonly id: Snowflake.Snowflake
  readonly token: Redacted.Redacted
  /** A digest that distinguishes the tokens of one webhook. */
  readonly tokenDigest: string
  /** The default thread of operations; from `?thread_id=` in the URL. */
  readonly threadId: Snowflake.Snowflake | undefined
}> {
  override toString(): string {
    return `Webhook(${this.id})`
  }
}

/**
 * Creates the credentials from a webhook's URL; see `WebhookUrl.parse` for the accepted forms.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 *
 * const hook = Webhook.fromUrl("https://discord.com/api/webhooks/1234/abc-DEF_5")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromUrl = (
  url: string | URL | Redacted.Redacted,
): Effect.Effect<Webhook, WebhookInvalidUrl> =>
  Effect.suspend(() => Either.map(WebhookUrl.parse(url), fromParts))

/**
 * Creates the credentials from id and token. Fails with `WebhookInvalidUrl` if one of them cannot
 * be part of a URL. For the token of an interaction use `InteractionWebhook`.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Redacted } from "effect"
 *
 * const hook = Webhook.make({ id: "1234", token: Redacted.make("abc-DEF_5") })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: {
  readonly id: string
  readonly token: string | Redacted.Redacted
  readonly threadId?: string | undefined
}): Effect.Effect<Webhook, WebhookInvalidUrl> =>
  Effect.suspend(() => {
    if (!Predicate.isRecord(options)) return invalid("parts")
    const { id, threadId } = options
    const token = Redacted.isRedacted(options.token) ? options.token : Redacted.make(options.token)
    if (!Snowflake.isSnowflake(id)) return invalid("id")
    if (!isToken(Redacted.value(token))) return invalid("token")
    if (threadId !== undefined && !Snowflake.isSnowflake(threadId)) return invalid("threadId")
    return Effect.succeed(
      fromParts({
        id: Snowflake.make(id),
        token,
        threadId: threadId === undefined ? undefined : Snowflake.make(threadId),
      }),
    )
  })

/**
 * Reads the URL from the configuration, from the environment variable or key `name`. A missing
 * variable is missing data, so `Config.option` and `Config.withDefault` apply to it.
 *
 * @example
 * ```ts
 * import { Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const hook = yield* Webhook.config("DISCORD_WEBHOOK_URL")
 *   yield* Webhook.send(hook, { content: "hello" })
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const config = (name: string): Config.Config<Webhook> =>
  // `Config.redacted` would also redact the error's advice.
  Config.option(Config.string(name)).pipe(
    Config.mapOrFail(
      Option.match({
        onNone: () => Either.left(ConfigError.MissingData([name], webhookUrlNotSet)),
        onSome: (url) =>
          Either.mapBoth(WebhookUrl.parse(url), {
            onLeft: (error) => ConfigError.InvalidData([name], error.message),
            onRight: fromParts,
          }),
      }),
    ),
  )

function fromParts({ id, token, threadId }: WebhookUrl.WebhookUrl): Webhook {
  return new Webhook({ id, token, tokenDigest: Route.digest(token), threadId })
}

function invalid(reason: WebhookInvalidUrl["reason"]): Effect.Effect<never, WebhookInvalidUrl> {
  return Effect.fail(new WebhookInvalidUrl({ reason }))
}
