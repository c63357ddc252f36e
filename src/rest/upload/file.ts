/**
 * A file as a value, its name, and how to create one from what is no file. It is separate from
 * `FileUpload.ts`, which imports the registry of media types.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Stream from "effect/Stream"
import type { WebhookFileError } from "../../error/WebhookError.js"
import type { Route } from "../../ratelimit/Route.js"
import type { UploadBody } from "../request.js"

/** RFC 2046: the media type of unknown bytes. */
export const unknownType = "application/octet-stream"

/**
 * Checks and sends files. The constructors of files bring it along, so that a bundle of a program
 * that sends no files does not contain it.
 */
export interface Uploader {
  /**
   * Checks the files against the limits, including the `kept` files of an edit, without reading
   * them.
   */
  readonly checkFiles: (
    route: Route,
    files: ReadonlyArray<FileUpload>,
    kept: number,
  ) => Effect.Effect<void, WebhookFileError>
  /** Creates the body of a message with files. */
  readonly makeUpload: (
    route: Route,
    json: unknown,
    files: ReadonlyArray<FileUpload>,
  ) => Effect.Effect<UploadBody>
  readonly cleanFileName: (name: string) => string
  readonly isMediaType: (text: string) => boolean
}

/** The source of the bytes of a file. */
export type Source =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }
  | { readonly _tag: "Blob"; readonly blob: Blob }
  | {
      readonly _tag: "Stream"
      readonly stream: Stream.Stream<Uint8Array, unknown>
      /** For errors. */
      readonly path?: string
      /** Present if it can be read only once. */
      readonly once?: { isRead: boolean }
    }

/**
 * A file to send: its name, media type, size and source.
 *
 * @example
 * ```ts
 * import type { FileUpload } from "effect-discord"
 *
 * const line = ({ name, size }: FileUpload.FileUpload) => `${name}, ${Math.ceil(size / 1024)} KiB`
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class FileUpload extends Data.TaggedClass("FileUpload")<{
  /**
   * The name on Discord, without the characters that Discord would replace. The name of a copy, `{
   * ...file, name }`, is cleaned when it is sent.
   */
  readonly name: string
  /** The media type, such as `image/png`. */
  readonly contentType: string
  /** Bytes. */
  readonly size: number
  /** Alt text; at most 1024 code points. */
  readonly description: string | undefined
  /** Shown instead of the name; at most 1024 code points. */
  readonly title: string | undefined
  /** Hidden until the user clicks on it. */
  readonly isSpoiler: boolean | undefined
  /** Duration of a voice message in seconds. */
  readonly durationSecs: number | undefined
  /** Base64, at most 400 characters; only for a voice message. */
  readonly waveform: string | undefined
  /** The source of the bytes, created by the constructors. */
  readonly source: Source
  /** The code that sends it. */
  readonly uploader: Uploader
}> {
  override toString(): string {
    return `FileUpload(${this.name}, ${this.size} bytes)`
  }
}

/** The name of the file in errors. */
export function getLabel({ name, source }: FileUpload): string {
  return source._tag === "Stream" ? (source.path ?? name) : name
}

/** Whether the file cannot be read again. */
export function isConsumed({ source }: FileUpload): boolean {
  return source._tag === "Stream" && source.once?.isRead === true
}

/**
 * The progress of an upload.
 *
 * @since 0.1.0
 * @category models
 */
export interface Progress {
  /** 1 for the first attempt; a retry begins with nothing sent. */
  readonly attempt: number
  /** The name of the current file. */
  readonly file: string
  /** Bytes of all files that the connection has accepted. */
  readonly sent: number
  /** Bytes of all its files. */
  readonly total: number
}

export type OnProgress = (progress: Progress) => Effect.Effect<void>

export class ProgressListener extends Context.Reference<ProgressListener>()(
  "effect-discord/FileUpload/ProgressListener",
  { defaultValue: (): { readonly listener: OnProgress | undefined } => ({ listener: undefined }) },
) {}

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
