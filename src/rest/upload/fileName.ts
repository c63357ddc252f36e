/**
 * Discord replaces what it does not like in a file's name, and `attachment://` must then name the
 * new one. Doing the same before sending makes the name on our side the name on Discord's.
 */

/** Discord's OpenAPI allows 1024; file systems, with which the file may be saved, 255 bytes. */
const longest = 255

/** Of bytes: what is taken for an extension, the dot included. */
const longestExtension = 16

/** Line breaks and quotes would end the header, slashes name folders; Discord replaces spaces. */
const unsuitable = /[\p{Cc}\p{Cs}\p{Z}"'`\\/:*?<>|]/gu

const encoder = new TextEncoder()

/** A name in any script, without paths, quotes, spaces or line breaks, and not too long. */
export function fileName(name: string): string {
  const clean = name.normalize("NFC").replace(unsuitable, "_")
  // Discord strips leading underscores (discord-api-docs#4847).
  return shortened(clean.replace(/^_+/, "")) || "file"
}

/** The last part of a path of any system. */
export function baseName(path: string): string {
  return /[^/\\]*(?=[/\\]*$)/.exec(path)?.[0] ?? path
}

/** The middle goes, the extension stays. */
function shortened(name: string): string {
  if (bytesOf(name) <= longest) return name
  const dot = name.lastIndexOf(".")
  const extension = dot > 0 ? name.slice(dot) : ""
  const kept = bytesOf(extension) <= longestExtension ? extension : ""
  const room = longest - bytesOf(kept)
  const { read } = encoder.encodeInto(
    name.slice(0, name.length - kept.length),
    new Uint8Array(room),
  )
  return name.slice(0, read) + kept
}

function bytesOf(text: string): number {
  return encoder.encode(text).length
}
