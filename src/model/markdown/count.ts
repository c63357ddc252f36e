/** Lengths in code points, which is how Discord counts. */
import { codePoints } from "../limits.js"

/** Whether a text has more than `limit` code points. */
export function exceeds(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  return text.length > 2 * limit || codePoints(text) > limit
}

/** The index in UTF-16 units after a number of code points. */
export function indexAfter(text: string, points: number): number {
  let index = 0
  for (let left = points; left > 0 && index < text.length; left--) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
  }
  return index
}
