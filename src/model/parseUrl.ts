/**
 * Parses a URL; `undefined` for any other text. `URL.canParse` is not used: once it is optimized, it
 * takes every host with a Latin-1 character, such as `münchen.example`, for invalid on Node 20 and 22.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
