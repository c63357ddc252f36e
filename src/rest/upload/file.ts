/** A file as a value, below the module that makes it: whoever only carries it needs no table of types. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** RFC 2046: the media type of bytes of which nothing is known. */
export const unknownType = "application/octet-stream"

/** Where the bytes of a file come from. */
export type Source =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }
  | { readonly _tag: "Blob"; readonly blob: Blob }
  | {
      readonly _tag: "Stream"
      readonly stream: Stream.Stream<Uint8Array, unknown>
      /** For errors. */
      readonly path?: string
      /** Only where it can be read no more than once. */
      readonly once?: { isRead: boolean }
    }

/**
 * A file to send: what it is called, what it is, how long, and where its bytes come from.
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
   * As it is uploaded: without the characters that Discord would replace. What a copy of the value
   * holds instead, `{ ...file, name }`, is cleaned when it is sent.
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
  /** Hidden until somebody clicks on it. */
  readonly isSpoiler: boolean | undefined
  /** Seconds; of a voice message. */
  readonly durationSecs: number | undefined
  /** Base64, at most 400 characters; of a voice message. */
  readonly waveform: string | undefined
  /** Where the bytes come from; made by the constructors. */
  readonly source: Source
}> {
  override toString(): string {
    return `FileUpload(${this.name}, ${this.size} bytes)`
  }
}

/** What an error calls the file. */
export function getLabel({ name, source }: FileUpload): string {
  return source._tag === "Stream" ? (source.path ?? name) : name
}

/** Whether it can be read no more. */
export function isConsumed({ source }: FileUpload): boolean {
  return source._tag === "Stream" && source.once?.isRead === true
}

/**
 * How far an upload is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Progress {
  /** 1 for the first; a repetition begins anew with nothing sent. */
  readonly attempt: number
  /** The name of the file that is being sent. */
  readonly file: string
  /** Bytes of the message's files that the connection has been given. */
  readonly sent: number
  /** Bytes of all its files. */
  readonly total: number
}

export type OnProgress = (progress: Progress) => Effect.Effect<void>

export class ProgressListener extends Context.Reference<ProgressListener>()(
  "effect-discord/FileUpload/ProgressListener",
  { defaultValue: (): { readonly listener: OnProgress | undefined } => ({ listener: undefined }) },
) {}
