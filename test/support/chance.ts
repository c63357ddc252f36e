/**
 * What chance has a hand in: the values that laws run on. CI judges the change and not the draw, so
 * there the seed is fixed; everywhere else it is another one each time. A law that fails names its
 * seed, and `LAW_SEED` repeats it.
 */
import * as FastCheck from "effect/FastCheck"
import { runs } from "./laws.js"

const seedOfCI = 20_261_126

export const configureLaws = (): void =>
  FastCheck.configureGlobal({ numRuns: runs(100), ...seeded() })

function seeded(): { readonly seed?: number } {
  const asked = process.env["LAW_SEED"]
  if (asked === undefined) return process.env["CI"] ? { seed: seedOfCI } : {}
  const seed = Number(asked)
  if (asked === "" || !Number.isInteger(seed)) {
    throw new Error(`LAW_SEED is an integer, as a law that fails prints it, not ${asked}`)
  }
  return { seed }
}
