/** Text of any code points. */
import * as FastCheck from "effect/FastCheck"

/**
 * A code point of UTF-8. To make a string of fast-check's own unit `binary`, a process first lists
 * all of them, which takes 0.8 s and 85 MB.
 */
export const character = FastCheck.oneof(
  FastCheck.nat(0xd7ff),
  FastCheck.integer({ min: 0xe000, max: 0x10ffff }),
).map(
  (code) => String.fromCodePoint(code),
  // So that fast-check finds `__proto__` and the like in it.
  (value) => String(value).codePointAt(0) ?? -1,
)
