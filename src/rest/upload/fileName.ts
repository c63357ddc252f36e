/** Maximum bytes of a name: file systems allow 255; Discord's OpenAPI 1024 characters. */
const maxNameBytes = 255

/** Maximum bytes of an extension, including the dot. */
const maxExtensionBytes = 16

const encoder = new TextEncoder()

/**
 * Returns the name that Discord gives to the file, so that `attachment://` can refer to it: spaces
 * become `_`, other special characters are removed, and no name begins with `_` or `.`. Beyond
 * ASCII, names are unchanged except for invisible characters: U+202E, which reverses what follows,
 * can make `exe.` look like `.exe`.
 *
 * discord-api-docs#4847, #6945, #7890.
 */
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

/** Returns the last part of a path of any platform. */
export function getBaseName(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== "")
  return parts.at(-1) ?? ""
}

/** A trailing dot would be taken for an extension. */
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
      // Removing characters may have joined a base and a combining character.
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
