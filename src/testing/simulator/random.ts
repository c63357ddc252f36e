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
