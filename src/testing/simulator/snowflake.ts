import * as DateTime from "effect/DateTime"

/** The first millisecond of 2015, where Discord's ids begin. */
const discordEpoch = 1_420_070_400_000

/**
 * A clock that shows a time before Discord existed is a `TestClock`, which starts in 1970: ids and
 * dates then count from 2025-01-01, so that they look like real ones and agree with each other.
 */
const testEpoch = 1_735_689_600_000

/** The server's wall-clock date, in milliseconds since 1970, for its clock reading. */
const toUnixMillis = (serverNow: number): number =>
  serverNow < discordEpoch ? serverNow + testEpoch : serverNow

/** Ids grow with time and, within one millisecond, by one. */
export const makeIdGenerator = (): ((serverNow: number) => string) => {
  let last = 0n
  return (serverNow) => {
    const earliest = BigInt(Math.floor(toUnixMillis(serverNow)) - discordEpoch) << 22n
    last = earliest > last ? earliest : last + 1n
    return last.toString()
  }
}

/** The server's wall-clock date, in whole seconds since 1970. */
export const toUnixSeconds = (serverNow: number): number =>
  Math.floor(toUnixMillis(serverNow) / 1000)

/** `2017-07-11T17:27:07.299000+00:00`: microseconds and a numeric offset, as Discord writes them. */
export const formatServerTime = (serverNow: number): string =>
  formatTimestamp(DateTime.unsafeMake(toUnixMillis(serverNow)))

/** The same form for any date. */
export function formatTimestamp(date: DateTime.DateTime): string {
  return DateTime.formatIso(date).replace("Z", "000+00:00")
}
