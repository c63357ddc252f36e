/**
 * Discord changes names that it does not like, and then `attachment://` has to say the new one. So
 * the same is done before sending, as reported of Discord: spaces become `_`, other special
 * characters go, and no name begins with `_` or `.`. Then the name here is the name there. Beyond
 * ASCII, names stay as they are, except for characters that are not seen: with U+202E, which reverses
 * what follows, `exe.` can be made to look like `.exe`.
 *
 * discord-api-docs#4847, #6945, #7890.
 */

/** File systems, where the file may be saved, allow 255 bytes; Discord's OpenAPI 1024 characters. */
const maxNameBytes = 255

/** Bytes of what is taken for an extension, the dot included. */
const maxExtensionBytes = 16

const encoder = new TextEncoder()

/** A name without spaces, quotes, slashes and line breaks, and not too long. */
export function cleanFileName(name: string): string {
  const dot = name.lastIndexOf(".")
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""]
  const end = replaceCharacters(extension)
  const isLong = countBytes(end) > maxExtensionBytes
  const start = replaceCharacters(isLong ? name : stem).replace(/^[._]+/, "")
  const kept = isLong || end === "." ? "" : end
  const cut = truncateBytes(maxNameBytes - countBytes(kept), start)
  return ((kept === "" ? trimDots(cut) : cut) || "file") + kept
}

/** The last part of a path of any system. */
export function getBaseName(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== "")
  return parts.at(-1) ?? ""
}

/** A dot at the end would be taken for an extension. */
function trimDots(text: string): string {
  let end = text.length
  while (text[end - 1] === ".") end -= 1
  return text.slice(0, end)
}

function replaceCharacters(text: string): string {
  return (
    text
      .normalize("NFC")
      .replace(/\p{Cf}/gu, "")
      .replace(/[\s\p{Z}/\\]+/gu, "_")
      .replace(/[\p{Cc}\p{Cs}]|(?![\w.-])[\0-\x7f]/gu, "")
      // What stood apart may compose now.
      .normalize("NFC")
  )
}

function truncateBytes(bytes: number, text: string): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(bytes))
  return text.slice(0, read)
}

function countBytes(text: string): number {
  return encoder.encode(text).length
}
