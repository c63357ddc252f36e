/** What a file is, by its name, where nobody has said it. */
import mime from "mime"

/** RFC 2046: bytes of which nothing is known. */
const unknown = "application/octet-stream"

export function contentTypeOf(name: string): string {
  return mime.getType(name) ?? unknown
}

/** With the character set, where there is one to tell. */
export function textTypeOf(name: string): string {
  const type = mime.getType(name) ?? "text/plain"
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type
}
