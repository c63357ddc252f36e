/**
 * The name of a webhook, and the name a single message shows instead.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { codePoints, malformed, outside } from "./limits.js"

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
