/** How large the text of a configuration may be. */

/** Bytes. A configuration has a few thousand. */
export const mostBytes = 256_000

/** What is said of more. */
export const tooLarge = `is larger than ${mostBytes / 1000} kB; is it the right file?`
