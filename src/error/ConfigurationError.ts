/**
 * What is wrong with a configuration: each mistake with its place, and what would be right.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

/**
 * One mistake. It never holds a secret: a text that is long or looks like a URL is not repeated.
 *
 * @example
 * ```ts
 * import type { ConfigurationError } from "effect-discord"
 *
 * const line = ({ key, message }: ConfigurationError.Mistake) => `${key}: ${message}`
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Mistake = Schema.Struct({
  /** Such as `client.rate_limit.strategy`; empty when the whole file is meant. */
  key: Schema.String,
  /** `discord.yaml:4`, or the name of an environment variable. */
  place: Schema.String,
  /** What would be right, and what was found. */
  message: Schema.String,
})
/**
 * @since 0.1.0
 * @category models
 */
export type Mistake = typeof Mistake.Type

/** At most this many in one message. */
const maxListed = 20

/**
 * The configuration cannot be used. It is found out when the configuration is read, before anything
 * is sent, and names all mistakes at once.
 *
 * @example
 * ```ts
 * import { DiscordConfig } from "effect-discord"
 * import { Console, Effect } from "effect"
 *
 * const checked = DiscordConfig.loadYaml("client: { timeout: soon }").pipe(
 *   Effect.catchTag("DiscordConfigurationError", (error) => Console.error(error.message)),
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DiscordConfigurationError extends Schema.TaggedError<DiscordConfigurationError>()(
  "DiscordConfigurationError",
  {
    mistakes: Schema.Array(Mistake),
    /** How many more there are, where there are so many that `mistakes` has only the first 100. */
    omitted: Schema.optionalWith(Schema.Number, { exact: true }),
  },
) {
  override get message(): string {
    const { mistakes, omitted = 0 } = this
    const length = mistakes.length + omitted
    const sentences = mistakes.slice(0, maxListed).map(formatMistake)
    if (length === 1) return sentences.join()
    const more = length > maxListed ? [`and ${length - maxListed} more`] : []
    return [`${length} mistakes in the configuration`, ...sentences, ...more].join("\n  ")
  }
}

/** The name of an environment variable says already which key it is. */
function formatMistake({ key, message, place }: Mistake): string {
  const isVariable = /^[A-Z0-9_]+$/.test(place)
  return [place, ...(key === "" || isVariable ? [] : [key]), message].join(": ")
}
