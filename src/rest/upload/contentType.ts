/** What a file is, by its name, where nobody has said it. */
import mime from "mime"
import { unknownType } from "./file.js"

const plainText = "text/plain"

/** Formats outside `text/` that are text all the same. */
const textual =
  /^(?:application\/(?:(?:x-)?(?:ecmascript|graphql|httpd-php|javascript|json\w*|latex|ndjson|perl|sh|sql|csh|tcl|tex|toml|typescript|xml|yaml)|rtf|xml-dtd)|.+\+(?:json|xml|yaml))$/

/** A language whose extension the registry gives to another format, which is XML. */
const rust = "application/rls-services+xml"

export function contentTypeOf(name: string): string {
  return mime.getType(name) ?? unknownType
}

/**
 * Of a file that is known to be text, with the character set where there is one to tell. The registry
 * knows extensions of source code as other things: `.ts` as video, `.mts` as a 3D model.
 */
export function textTypeOf(name: string): string {
  const found = mime.getType(name) ?? plainText
  const type = found.startsWith("text/") || isTextual(found) ? found : plainText
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type
}

function isTextual(type: string): boolean {
  return type !== rust && textual.test(type)
}
