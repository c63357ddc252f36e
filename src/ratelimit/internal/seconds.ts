/** Seconds as Discord writes them, in milliseconds. */

/** A nanosecond: `16.1 * 1000` is 16100.000000000002, which is no reason to wait for 16101. */
const dust = 1e-6

/** Whole milliseconds, and rather one too many than one too few. */
export function inMilliseconds(seconds: number): number {
  return Math.max(0, Math.ceil(seconds * 1000 - dust))
}
