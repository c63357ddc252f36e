/**
 * How often every law runs, as a share of the runs that it names: a hundredth, which is enough while
 * typing. `.ci/run` sets `LAW_RUNS` to 1, and the weekly run of CI to 20.
 */
const factor = Number(process.env["LAW_RUNS"] ?? 1 / 100)

if (!(factor > 0 && factor < Infinity)) {
  throw new Error(`LAW_RUNS is a factor like 20, not ${process.env["LAW_RUNS"]}`)
}

/** The runs of a law that needs `count` of them, multiplied by `LAW_RUNS`. */
export const runs = (count: number): number => Math.ceil(count * factor)

/**
 * The cases of the test with this number, of `tests` that are alike: all of them in CI; while typing a part,
 * and another one in each test, so that together they have all cases.
 */
export const inTurns = <A>(
  cases: ReadonlyArray<A>,
  test: number,
  tests: number,
): ReadonlyArray<A> => {
  const parts = Math.max(1, Math.min(tests, cases.length, Math.floor(1 / factor)))
  return cases.filter((_, index) => index % parts === test % parts)
}

/**
 * Whether everything takes place: in CI, and not while typing, when laws run less often, only some
 * combinations of a table are tried, and programs of several processes are left out.
 */
export const isThorough = factor >= 1

/** Whether time does not matter, as in the weekly run. */
export const isLong = factor > 1
