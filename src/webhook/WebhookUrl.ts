/**
 * Parses the URLs of webhooks. Strict about the host, because the URL contains the secret; tolerant
 * about the forms in which URLs are copied.
 *
 * @since 0.1.0
 * @module
 */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { WebhookInvalidUrl } from "../error/WebhookError.js"
import * as Snowflake from "../model/Snowflake.js"
import { isToken } from "./operations.js"
import { parseUrl } from "../model/parseUrl.js"

/**
 * The parts of a webhook's URL.
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

/** `/api` or `/api/v10`, then the webhook, then optionally a compatible service. */
const path = /^\/api(?:\/v\d+)?\/webhooks\/([^/]+)(?:\/([^/]*))?(?:\/(?:slack|github)?)?$/

/** The path segment after `/webhooks/{webhook.id}/`. */
const tokenInPath = /(\/webhooks\/[^/?#\s]+\/)[^/?#\s"'<>]+/gi

/** `export NAME=` of a shell or a `.env` file. */
const assignment = /^(?:export\s+)?[A-Za-z_]\w*=\s*/

/** Delimiters around a copied text. */
const delimiters: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["<", ">"],
  ["\u201c", "\u201d"],
  ["\u2018", "\u2019"],
])

/**
 * Parses a webhook's URL. It accepts `https` and `http`, Discord's hosts, any API version or none,
 * `/slack`, `/github` or `/` at the end, and `?thread_id=`. Blanks, quotes, backticks, angle
 * brackets and a `NAME=` around the URL are removed: copies from chats and `.env` files contain
 * them, some tools (Docker's `--env-file`) keep them, and none of them can be part of the URL.
 * Everything else is rejected with a reason.
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
): Either.Either<WebhookUrl, WebhookInvalidUrl> => {
  const text = textOf(Redacted.isRedacted(input) ? Redacted.value(input) : input)
  if (text === undefined) return invalid("notAUrl")
  const trimmed = unwrap(text)
  if (trimmed === "") return invalid("missing")
  const url = parseUrl(trimmed)
  if (url === undefined) return invalid("notAUrl")
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
 * Replaces the token of every webhook URL or path in a text. It is for what processes the URLs of
 * requests outside this SDK: instrumentation, proxies, access logs.
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

/** Untyped callers may pass anything; often it is a variable that is not set. */
function textOf(input: unknown): string | undefined {
  if (input === undefined || input === null) return ""
  if (typeof input === "string") return input
  return input instanceof URL ? input.href : undefined
}

/** Twice, because a quoted text may be in angle brackets and vice versa. */
function unwrap(text: string): string {
  const value = text.trim().replace(assignment, "")
  return undelimited(undelimited(value))
}

function undelimited(text: string): string {
  return text.length > 1 && delimiters.get(text.charAt(0)) === text.at(-1)
    ? text.slice(1, -1).trim()
    : text
}

/** A port or a user name indicates a look-alike of Discord's URL. */
function isPlain(url: URL): boolean {
  return url.port === "" && url.username === "" && url.password === ""
}

function invalid(reason: WebhookInvalidUrl["reason"]): Either.Either<never, WebhookInvalidUrl> {
  return Either.left(new WebhookInvalidUrl({ reason }))
}
