/** Decodes base 64. */
const bytes = (base64: string) => Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))

/** A GIF of one pixel. */
export const pixel = bytes("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")

/** A PNG of one pixel. */
export const pngPixel = bytes(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==",
)

export const text = (content: string, name: string, type = "text/plain") =>
  new File([content], name, { type })

export const decode = (content: Uint8Array) => new TextDecoder().decode(content)
