/**
 * The name of a webhook, and the name a single message shows instead.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { codePoints, outside } from "./limits.js"

/** Discord: Create Webhook. Outer whitespace is trimmed. */
const MIN = 1
const MAX = 80
const REFUSED = ["clyde", "discord"]

/**
 * 1 to 80 code points, without "clyde" or "discord" in any case. Discord keeps further rules to
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
      const word = REFUSED.find((refused) => lower.includes(refused))
      if (word !== undefined) return `must not contain "${word}" in any case`
      return outside(codePoints(name.trim()), "code point", MIN, MAX)
    },
    { arbitrary: () => (fc) => fc.stringMatching(/^[A-Z][a-z]{0,8}( [a-z0-9]{1,8})?$/) },
  ),
)
