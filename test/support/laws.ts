/**
 * How often every law runs, as a share of the runs that it names: a tenth, which is enough while
 * typing. `.ci/run` sets `LAW_RUNS` to 1, and the weekly run of CI to 20.
 */
const factor = Number(process.env["LAW_RUNS"] ?? 0.1)

if (!(factor > 0 && factor < Infinity)) {
  throw new Error(`LAW_RUNS is a factor like 20, not ${process.env["LAW_RUNS"]}`)
}

/** The runs of a law that needs `count` of them, multiplied by `LAW_RUNS`. */
export const runs = (count: number): number => Math.ceil(count * factor)

/** Whether time does not matter, as in the weekly run. */
export const isLong = factor > 1
