/**
 * How often every law runs, as a share of the runs that it names: a fiftieth, which is enough while
 * typing; all of them in CI, and 20 times as many in its weekly run.
 */
const factor = Number(process.env["LAW_RUNS"] ?? (process.env["CI"] ? 1 : 1 / 50))

if (!(factor > 0 && factor < Infinity)) {
  throw new Error(`LAW_RUNS is a factor like 20, not ${process.env["LAW_RUNS"]}`)
}

/** The runs of a law that needs `count` of them, multiplied by `LAW_RUNS`. */
export const runs = (count: number): number => Math.ceil(count * factor)

/**
 * Whether tests are thorough, as in CI. While typing, laws run less often, only a part of some tables is
 * tried, and programs of several processes and slow examples are left out.
 */
export const isThorough = factor >= 1

/**
 * The cases of a test with this number: all of them in CI; while typing one of `parts` parts. Tests with the
 * numbers from 0 on have all cases together.
 */
export const inTurns = <A>(
  cases: ReadonlyArray<A>,
  test: number,
  parts: number,
): ReadonlyArray<A> => {
  const divisor = isThorough ? 1 : Math.max(1, Math.min(parts, cases.length))
  return cases.filter((_, index) => index % divisor === test % divisor)
}

/** Whether time does not matter, as in the weekly run. */
export const isLong = factor > 1
