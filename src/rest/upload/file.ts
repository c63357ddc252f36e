/**
 * A file as a value. It is separate from `FileUpload.ts`, which imports the registry of media
 * types.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** RFC 2046: the media type of unknown bytes. */
export const unknownType = "application/octet-stream"

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
