/**
 * Colours: a number such as `0x5865f2` or a string such as `"#5865f2"`; on the wire an integer.
 *
 * @since 0.1.0
 * @module
 */
import * as Schema from "effect/Schema"

import { int } from "./limits.js"

/** Discord's OpenAPI: `color` and `accent_color` are 0..16777215. */
const maxColor = 0xffffff
const hexPattern = /^#[0-9a-f]{6}$/i

// `Schema.TemplateLiteral` would add a kilobyte to every bundle that sends a message.
const hash = Schema.String.pipe(
  Schema.filter((value): value is `#${string}` => value.startsWith("#"), {
    description: 'a string such as "#5865f2"',
  }),
)

const hex = hash.pipe(
  Schema.filter(
    (value) => hexPattern.test(value) || "must be a colour such as 0x5865f2 or #5865f2",
  ),
)

/**
 * An RGB colour, 0 to 0xffffff. Decoding gives the number.
 *
 * @example
 * ```ts
 * import type { Color } from "effect-discord"
 *
 * const blurple: Color.Color = "#5865f2"
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Color: Schema.Schema<number | `#${string}`, number> = Schema.transform(
  int(0, maxColor),
  // Numbers only are generated: a string would not come back as itself.
  Schema.Union(int(0, maxColor), hex).annotations({
    arbitrary: () => (fc) => fc.integer({ min: 0, max: maxColor }),
  }),
  { strict: true, decode: (value): Color => value, encode: (_, color) => toNumber(color) },
)
/**
 * @since 0.1.0
 * @category models
 */
export type Color = typeof Color.Type

/**
 * The integer of a colour.
 *
 * @example
 * ```ts
 * import { Color } from "effect-discord"
 *
 * Color.toNumber("#5865f2") // 5793266
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export function toNumber(color: Color): number {
  return typeof color === "number" ? color : Number.parseInt(color.slice(1), 16)
}

/**
 * The `#rrggbb` of a colour.
 *
 * @example
 * ```ts
 * import { Color } from "effect-discord"
 *
 * Color.toHex(0x5865f2) // "#5865f2"
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export function toHex(color: Color): `#${string}` {
  return `#${toNumber(color).toString(16).padStart(6, "0")}`
}
