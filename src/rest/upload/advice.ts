/** Describes wrong arguments of untyped callers, and how to create a file from them. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"

const textAdvice =
  "FileUpload.fromPath(path) opens a file, FileUpload.fromText(name, text) sends a text"

/** Does not show the value, which may be long or secret. */
export function describeWrongFile(given: unknown): string {
  if (typeof given === "string") return `a string: ${textAdvice}`
  if (given === undefined || given === null) return String(given)
  if (isBytes(given)) return "bytes: use FileUpload.fromBytes(name, bytes)"
  if (hasTag("ArrayBuffer", given)) {
    return "an ArrayBuffer: use FileUpload.fromBytes(name, new Uint8Array(buffer))"
  }
  if (isBlob(given)) return "a Blob: use FileUpload.fromBlob(name, blob)"
  if (hasTag("URL", given)) return "a URL: FileUpload.fromPath(path) opens a file"
  if (isDeferred(given)) {
    return "an Effect or a Promise: run it first, such as `yield* FileUpload.fromPath(path)`"
  }
  if (Predicate.hasProperty(given, "pipe") || hasTag("ReadableStream", given)) {
    return "a stream: use FileUpload.fromStream(name, { size, stream }) with a Stream of effect"
  }
  return Predicate.hasProperty(given, "attachment")
    ? "an attachment of discord.js: use FileUpload.fromPath(path) or FileUpload.fromBytes(name, bytes)"
    : "something else: use FileUpload.fromPath, fromBytes, fromText, fromBlob or fromStream"
}

/** Whether the value has to be run or awaited first. */
export function isDeferred(given: unknown): boolean {
  return Effect.isEffect(given) || Config.isConfig(given) || Predicate.isPromiseLike(given)
}

export function isBytes(given: unknown): boolean {
  return hasTag("Uint8Array", given)
}

export function isBlob(given: unknown): boolean {
  return hasTag("Blob", given) || hasTag("File", given)
}

/** By the tag instead of `instanceof`, which fails for values of another realm, as in Jest. */
function hasTag(tag: string, given: unknown): boolean {
  return Object.prototype.toString.call(given) === `[object ${tag}]`
}
