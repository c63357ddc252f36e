/**
 * Encodes `multipart/form-data` (RFC 7578). Written by hand, so that the length is known before the
 * files are read, and the same for every HttpClient.
 *
 * Discord: Uploading Files.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { cleanFileName, unknownType } from "./file.js"
import type { FileUpload } from "./file.js"

/** The form without the bytes of the files. */
export interface Form {
  readonly contentType: string
  /** The JSON of the message. */
  readonly payload: Uint8Array
  /** The part before each file. */
  readonly heads: ReadonlyArray<Uint8Array>
  readonly tail: Uint8Array
  /** Bytes of the whole body. */
  readonly size: number
}

const encoder = new TextEncoder()

const mediaType = /^[\x21-\x2e\x30-\x7e]+\/[\x20-\x7e]+$/

/** Whether the text is a valid header value. */
export function isMediaType(text: string): boolean {
  return mediaType.test(text)
}

/** Long enough that it does not occur in a file by chance. */
export const makeBoundary: Effect.Effect<string> = Effect.map(
  Effect.all([Random.nextInt, Random.nextInt]),
  (numbers) => `effect-discord-${numbers.map((n) => n.toString(36).padStart(11, "0")).join("")}`,
)

export function makeForm(limit: string, json: unknown, files: ReadonlyArray<FileUpload>): Form {
  const payload = encoder.encode(
    `--${limit}\r\nContent-Disposition: form-data; name="payload_json"\r\n` +
      `Content-Type: application/json\r\n\r\n${JSON.stringify(json)}`,
  )
  const heads = files.map(({ contentType, name }, index) =>
    encoder.encode(
      `\r\n--${limit}\r\nContent-Disposition: form-data; name="files[${index}]"; filename="${cleanFileName(name)}"\r\n` +
        `Content-Type: ${isMediaType(contentType) ? contentType : unknownType}\r\n\r\n`,
    ),
  )
  const tail = encoder.encode(`\r\n--${limit}--\r\n`)
  const lengths = [payload, ...heads, tail].map(({ length }) => length)
  return {
    contentType: `multipart/form-data; boundary=${limit}`,
    payload,
    heads,
    tail,
    size: sum(lengths) + sum(files.map(({ size }) => size)),
  }
}

function sum(numbers: ReadonlyArray<number>): number {
  return numbers.reduce((total, number) => total + number, 0)
}
