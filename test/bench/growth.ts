/**
 * Whether work grows with its input and not with the square of it. The measure is the ratio of two
 * processor times that are taken one after the other, so neither the machine's speed nor other
 * processes matter; a pause of the garbage collector can only be in some of several measurements.
 */

/** How much longer the longer input is. */
const factor = 4

/** Between 4, which is linear, and 16, which is quadratic; near the quadratic. */
const maxRatio = 10

/** Microseconds: below this, a time is mostly noise. */
const minTime = 500

/** Other work on the machine only adds to a time, so the smallest times count; a single one may be too long. */
const minMeasurements = 2
const maxMeasurements = 8

/** The time for an input that is four times as long, as a multiple, in steps of the same function. */
export function growth(work: (size: number) => void, size: number): number {
  let short = Infinity
  let long = Infinity
  for (let count = 1; count <= maxMeasurements; count++) {
    // The first of the two also lets V8 compile a regular expression, which it does after one use.
    short = Math.min(
      short,
      processorTime(() => work(size)),
      processorTime(() => work(size)),
    )
    long = Math.min(
      long,
      processorTime(() => work(factor * size)),
    )
    if (count >= minMeasurements && long / Math.max(minTime, short) <= maxRatio) break
  }
  return long / Math.max(minTime, short)
}

/** What {@link growth} returns at most for linear work. */
export const linear = maxRatio

function processorTime(run: () => void): number {
  const start = process.cpuUsage()
  run()
  const { system, user } = process.cpuUsage(start)
  return system + user
}
