/** What the server generates: random numbers, tokens and hashes, ids, and the times in responses. */
import * as DateTime from "effect/DateTime"

/** A generator of numbers in [0, 1). A seed gives the same sequence on every machine. */
export type Random = () => number

/** mulberry32, sufficient for tokens, hashes and latencies. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const tokenAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/** A webhook token: 68 characters of the URL-safe base 64 alphabet. */
export const randomToken = (random: Random): string => pickCharacters(random, tokenAlphabet, 68)

/** The hash of a bucket or an avatar: 32 hexadecimal digits. */
export const randomHash = (random: Random): string => pickCharacters(random, "0123456789abcdef", 32)

function pickCharacters(random: Random, alphabet: string, length: number): string {
  // Joined, because a concatenated string keeps every intermediate string in memory.
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("")
}

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
