/**
 * The error of an invalid configuration. It lists every mistake with its place and the expected
 * value.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

/**
 * One mistake. It contains no secret: long texts and texts that look like a URL are not repeated.
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
  /** Such as `client.rate_limit.strategy`; empty for the whole file. */
  key: Schema.String,
  /** `discord.yaml:4`, or the name of an environment variable. */
  place: Schema.String,
  /** The expected value, and the value that was found. */
  message: Schema.String,
})
/**
 * @since 0.1.0
 * @category models
 */
export type Mistake = typeof Mistake.Type

/** Maximum number of mistakes in the message. */
const maxListed = 20

/**
 * The configuration is invalid. The error is raised when the configuration is read, before anything
 * is sent, and lists all mistakes.
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
    /** Number of further mistakes, if `mistakes` contains only the first 100. */
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

/** The name of an environment variable already identifies its key. */
function formatMistake({ key, message, place }: Mistake): string {
  const isVariable = /^[A-Z0-9_]+$/.test(place)
  return [place, ...(key === "" || isVariable ? [] : [key]), message].join(": ")
}
