/**
 * The name of a webhook, and the name a single message shows instead.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { codePoints, malformed, outside } from "./limits.js"
import { exceeds, characterCut } from "./markdown/cut.js"
/** Discord: Create Webhook. Outer whitespace is trimmed. */
const MIN = 1
const MAX = 80
const FORBIDDEN_PARTS = ["clyde", "discord"]
/** Documented for users, and so seen on webhooks (MinnDevelopment/discord-webhooks#100). */
const FORBIDDEN_NAMES = new Set(["everyone", "here"])

/**
 * 1 to 80 code points, without "clyde" or "discord" in any case, and not "everyone" or "here". Discord keeps further rules to
 * itself and changes them; those come back as an error of the request.
 *
 * @example
 * ```ts
 * import { WebhookName } from "effect-discord"
 * import { Schema } from "effect"
 *
 * Schema.is(WebhookName.WebhookName)("Discord news") // false
 * ```
 *
 * @see Discord: Create Webhook
 * @since 0.1.0
 * @category models
 */
export const WebhookName = Schema.String.pipe(
  Schema.filter(
    (name) => {
      const lower = name.toLowerCase()
      const part = FORBIDDEN_PARTS.find((forbidden) => lower.includes(forbidden))
      if (part !== undefined) return `must not contain "${part}" in any case`
      const trimmed = name.trim()
      if (FORBIDDEN_NAMES.has(trimmed)) return `must not be "${trimmed}"`
      return malformed(name) ?? outside(codePoints(trimmed), "code point", MIN, MAX)
    },
    { arbitrary: () => (fc) => fc.stringMatching(/^[A-Z][a-z]{0,8}( [a-z0-9]{1,8})?$/) },
  ),
)

/** What Discord does not show, except for what joins emoji and chooses their form. */
const INVISIBLE =
  /(?!\p{Join_Control}|\p{Variation_Selector}|[\u{e0020}-\u{e007f}])\p{Default_Ignorable_Code_Point}|\p{Cc}/gu
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u

/** Each forbidden word, its letter that is replaced, and the Cyrillic letter that looks the same. */
const lookAlikes: ReadonlyArray<
  readonly [word: RegExp, letters: Readonly<Record<string, string>>]
> = [
  [/clyde/gi, { e: "\u0435", E: "\u0415" }],
  [/discord/gi, { o: "\u043e", O: "\u041e" }],
  // Not documented.
  [/system message/gi, { a: "\u0430", A: "\u0410" }],
  [/^(?:everyone|here)$/gi, { e: "\u0435", E: "\u0415" }],
]

/** The name of what has no visible character. */
const NAMELESS = "unnamed"

/**
 * The nearest valid name to any text, for bridges that show names of people from elsewhere: trimmed,
 * at most 80 code points, without invisible characters, and with a letter replaced by one that looks
 * the same in words that Discord rejects.
 *
 * @example
 * ```ts
 * import { WebhookName } from "effect-discord"
 *
 * WebhookName.fit("  Ada \n Lovelace ") // "Ada Lovelace"
 * WebhookName.fit("here") !== "here" // true: it only looks the same
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fit = (text: string): string => {
  const plain = text
    .replaceAll(/\p{Surrogate}/gu, "\ufffd")
    .replaceAll(/\s/g, " ")
    .replaceAll(INVISIBLE, "")
    .replaceAll(/ +/g, " ")
    .trim()
  const cut = exceeds(plain, MAX) ? characterCut(plain, MAX) : plain.length
  const name = plain.slice(0, cut).trim()
  if (!VISIBLE.test(name)) return NAMELESS
  return lookAlikes.reduce(
    (soFar, [word, letters]) =>
      soFar.replaceAll(word, (found) =>
        found.replaceAll(/[aeo]/gi, (letter) => letters[letter] ?? letter),
      ),
    name,
  )
}
