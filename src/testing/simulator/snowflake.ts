import * as DateTime from "effect/DateTime"

/** The first millisecond of 2015, the epoch of Discord's ids. */
const discordEpoch = 1_420_070_400_000

/**
 * Added to clocks before Discord's epoch. A `TestClock` starts in 1970: its ids and dates count
 * from 2025-01-01, so that they are plausible and consistent.
 */
const testEpoch = 1_735_689_600_000

/** The server's time in milliseconds since 1970. */
const toUnixMillis = (serverNow: number): number =>
  serverNow < discordEpoch ? serverNow + testEpoch : serverNow

/** Makes a generator of ids, which increase with time and by one within a millisecond. */
export const makeIdGenerator = (): ((serverNow: number) => string) => {
  let last = 0n
  return (serverNow) => {
    const earliest = BigInt(Math.floor(toUnixMillis(serverNow)) - discordEpoch) << 22n
    last = earliest > last ? earliest : last + 1n
    return last.toString()
  }
}

/** The server's time in whole seconds since 1970. */
export const toUnixSeconds = (serverNow: number): number =>
  Math.floor(toUnixMillis(serverNow) / 1000)

/** The server's time as Discord formats it: `2017-07-11T17:27:07.299000+00:00`. */
export const formatServerTime = (serverNow: number): string =>
  formatTimestamp(DateTime.unsafeMake(toUnixMillis(serverNow)))

/** Formats a date as Discord does, with microseconds and a numeric offset. */
export function formatTimestamp(date: DateTime.DateTime): string {
  return DateTime.formatIso(date).replace("Z", "000+00:00")
}
