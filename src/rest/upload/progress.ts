/** Who wants to know how far an upload is. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

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

export type Listener = (progress: Progress) => Effect.Effect<void>

export class ProgressListener extends Context.Reference<ProgressListener>()(
  "effect-discord/FileUpload/ProgressListener",
  { defaultValue: (): { readonly listener: Listener | undefined } => ({ listener: undefined }) },
) {}
