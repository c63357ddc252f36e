/**
 * Reads the URL of a webhook. Strict about the host, because whoever receives the URL receives the
 * secret in it; tolerant about every form in which people copy it.
 *
 * @since 0.1.0
 * @module
 */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { InvalidWebhookUrl } from "../error/WebhookError.js"
import * as Snowflake from "../model/Snowflake.js"
import { isToken } from "./token.js"

/**
 * What a webhook's URL holds.
 *
 * @since 0.1.0
 * @category models
 */
export interface WebhookUrl {
  readonly id: Snowflake.Snowflake
  readonly token: Redacted.Redacted
  /** From `?thread_id=`. */
  readonly threadId: Snowflake.Snowflake | undefined
}

const hosts: ReadonlySet<string> = new Set(
  ["discord.com", "discordapp.com"].flatMap((host) => [host, `ptb.${host}`, `canary.${host}`]),
)

/** `/api` or `/api/v10`, then the webhook, then maybe one of the services that share its URL. */
const path = /^\/api(?:\/v\d+)?\/webhooks\/([^/]+)(?:\/([^/]*))?(?:\/(?:slack|github)?)?$/

/** What follows `/webhooks/{webhook.id}/`, to the end of the path's segment. */
const tokenInPath = /(\/webhooks\/[^/?#\s]+\/)[^/?#\s"'<>]+/gi

/**
 * Accepts `https` and `http`, Discord's hosts, any API version or none, `/slack`, `/github` or `/` at
 * the end, `?thread_id=`, and the spaces or angle brackets around a pasted link. Everything else is
 * refused, and the reason named.
 *
 * @example
 * ```ts
 * import { WebhookUrl } from "effect-discord"
 * import { Either } from "effect"
 *
 * const parsed = WebhookUrl.parse("https://discord.com/api/webhooks/1234/abc-DEF_5?thread_id=42")
 * const threadId = Either.map(parsed, (url) => url.threadId) // "42"
 * ```
 *
 * @since 0.1.0
 * @category parsing
 */
export const parse = (
  input: string | URL | Redacted.Redacted,
): Either.Either<WebhookUrl, InvalidWebhookUrl> => {
  const text = Redacted.isRedacted(input) ? Redacted.value(input) : String(input)
  const trimmed = text.trim().replace(/^<(.*)>$/, "$1")
  if (!URL.canParse(trimmed)) return invalid("notAUrl")
  const url = new URL(trimmed)
  if (url.protocol !== "https:" && url.protocol !== "http:") return invalid("scheme")
  if (!hosts.has(url.hostname) || !isPlain(url)) return invalid("host")
  const [, id, token] = path.exec(url.pathname) ?? []
  if (id === undefined) return invalid("path")
  if (!Snowflake.isSnowflake(id)) return invalid("id")
  if (token === undefined || !isToken(token)) return invalid("token")
  const threadId = url.searchParams.get("thread_id") ?? undefined
  if (threadId !== undefined && !Snowflake.isSnowflake(threadId)) return invalid("threadId")
  return Either.right({
    id: Snowflake.make(id),
    token: Redacted.make(token),
    threadId: threadId === undefined ? undefined : Snowflake.make(threadId),
  })
}

/**
 * Replaces the token of every webhook URL, or path of one, in a text. For what sees the URLs of
 * requests below this SDK: instrumentation, proxies, access logs.
 *
 * @example
 * ```ts
 * import { WebhookUrl } from "effect-discord"
 *
 * WebhookUrl.redact("POST /api/v10/webhooks/1234/abc-DEF_5?wait=true")
 * // POST /api/v10/webhooks/1234/<redacted>?wait=true
 * ```
 *
 * @since 0.1.0
 * @category redaction
 */
export const redact = (text: string): string => text.replace(tokenInPath, "$1<redacted>")

/** A port or a user name is not Discord's, and makes a look-alike. */
function isPlain(url: URL): boolean {
  return url.port === "" && url.username === "" && url.password === ""
}

function invalid(reason: InvalidWebhookUrl["reason"]): Either.Either<never, InvalidWebhookUrl> {
  return Either.left(new InvalidWebhookUrl({ reason }))
}
