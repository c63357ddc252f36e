/** Usual and hostile texts. */
import * as fc from "effect/FastCheck"
import { character } from "../../support/character.js"

const marks = [
  "*",
  "**",
  "_",
  "__",
  "~~",
  "||",
  "`",
  "``",
  "```",
  "```js\n",
  "> ",
  ">>> ",
  "# ",
  "### ",
  "-# ",
  "- ",
  "1. ",
  "  ",
  "\n",
  "\n\n",
  "\r\n",
  "\r",
  "\u2028",
  "\\",
  "[",
  "](",
  ")",
  "<",
  ">",
  ":",
  "@",
  "#",
  "!",
]
const whole = [
  "@everyone",
  "@here",
  "<@1>",
  "<@!1>",
  "<@&2>",
  "<#3>",
  "</ban user:4>",
  "<t:5:R>",
  "<:lul:6>",
  "<a:lul:7>",
  "<id:guide>",
  ":tada:",
  "[label](https://example.com)",
  "<https://example.com/a_b>",
  "https://example.com/a_b*c*d__e__",
  "http://x.example/@everyone||",
  "HTTPS://EXAMPLE.COM/_a_",
  "https://_.",
  "snake_case",
  "¯\\_(ツ)_/¯",
  "👩‍👩‍👧",
  "größer",
]
const words = ["a", "bee", "7", " ", ".", ",", "!", "é", "\ud83d"]

/** The text with the line ends that a reader sees. */
export const unified = (text: string): string => text.replaceAll(/\r\n?/g, "\n")

/** Marks, mentions and words in any order. */
export const markup = fc
  .array(fc.constantFrom(...marks, ...whole, ...words, ...words), { maxLength: 14 })
  .map((parts) => parts.join(""))

/** Any text: markup, or any code points. */
export const anyText = fc.oneof(markup, fc.string({ unit: character, maxLength: 40 }))
