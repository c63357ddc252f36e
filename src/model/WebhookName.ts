/**
 * The name of a webhook, and the name a single message shows instead.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { codePoints, checkWellFormed, checkRange, base36 } from "./limits.js"
import { isLongerThan, cutAtCharacter } from "./markdown/cut.js"
/** Discord: Create Webhook. Outer whitespace is trimmed. */
const minLength = 1
const maxLength = 80
const forbiddenParts = ["clyde", "discord"]
/** Documented for users, and so seen on webhooks (MinnDevelopment/discord-webhooks#100). */
const forbiddenNames = new Set(["everyone", "here"])

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
      const part = forbiddenParts.find((forbidden) => lower.includes(forbidden))
      if (part !== undefined) return `must not contain "${part}" in any case`
      const trimmed = name.trim()
      if (forbiddenNames.has(trimmed)) return `must not be "${trimmed}"`
      return (
        checkWellFormed(name) ?? checkRange(codePoints(trimmed), "code point", minLength, maxLength)
      )
    },
    { arbitrary: () => (fc) => base36(fc).map((name) => `Bot ${name}`) },
  ),
)

/** What Discord does not show, except for what joins emoji and chooses their form. */
const invisible =
  /(?!\p{Join_Control}|\p{Variation_Selector}|[\u{e0020}-\u{e007f}])\p{Default_Ignorable_Code_Point}|\p{Cc}/gu
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u

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
const nameless = "unnamed"

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
    .replaceAll(invisible, "")
    .replaceAll(/ +/g, " ")
    .trim()
  const cut = isLongerThan(plain, maxLength) ? cutAtCharacter(plain, maxLength) : plain.length
  const name = plain.slice(0, cut).trim()
  if (!visible.test(name)) return nameless
  return lookAlikes.reduce(
    (soFar, [word, letters]) =>
      soFar.replaceAll(word, (found) =>
        found.replaceAll(/[aeo]/gi, (letter) => letters[letter] ?? letter),
      ),
    name,
  )
}
