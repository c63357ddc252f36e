/**
 * How often every law runs, as a share of the runs that it names: a thirtieth, which is enough while
 * typing; all of them in CI, and 20 times as many in its weekly run.
 */
const factor = Number(process.env["LAW_RUNS"] ?? (process.env["CI"] ? 1 : 1 / 30))

if (!(factor > 0 && factor < Infinity)) {
  throw new Error(`LAW_RUNS is a factor like 20, not ${process.env["LAW_RUNS"]}`)
}

/** The runs of a law that needs `count` of them, multiplied by `LAW_RUNS`. */
export const runs = (count: number): number => Math.ceil(count * factor)

/**
 * Whether tests are thorough, as in CI. While typing, laws run less often, only a part of some tables is
 * tried, and programs of several processes are left out.
 */
export const isThorough = factor >= 1

/**
 * The cases of the test with this number, of `tests` that are alike: all of them in CI; while typing a part,
 * and another one in each test, so that together they have all cases.
 */
export const inTurns = <A>(
  cases: ReadonlyArray<A>,
  test: number,
  tests: number,
): ReadonlyArray<A> => {
  const parts = isThorough ? 1 : Math.max(1, Math.min(tests, cases.length))
  return cases.filter((_, index) => index % parts === test % parts)
}

/** A number for `inTurns` that a test has by the letters of its name. */
export const numberOf = (name: string): number =>
  [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)

/** Whether time does not matter, as in the weekly run. */
export const isLong = factor > 1
