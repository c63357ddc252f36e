/** What of an upload goes over the wire, as bytes, and what a parser that is not ours makes of it. */
import type * as HttpBody from "@effect/platform/HttpBody"
import busboy from "busboy"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { Route } from "../../../src/index.js"
import type { FileUpload } from "../../../src/index.js"
import { makeUpload } from "../../../src/rest/upload/upload.js"

export const route = Route.make({
  operation: "Webhook.send",
  method: "POST",
  template: "/webhooks/{webhook.id}/{webhook.token}",
  webhookId: "42",
  tokenDigest: "digest",
})

/** As an HttpClient reads a body. */
export const bytesOf = (body: HttpBody.HttpBody): Effect.Effect<Uint8Array> => {
  if (body._tag === "Uint8Array") return Effect.succeed(body.body)
  if (body._tag !== "Stream") return Effect.die(`a body of another kind: ${body._tag}`)
  return Effect.map(Stream.runCollect(Stream.orDie(body.stream)), (chunks) =>
    Buffer.concat(Chunk.toReadonlyArray(chunks)),
  )
}

/** Gives every run the same boundary. */
export const sameBoundary = Effect.withRandom(Random.fixed([1, 2]))

export interface Wire {
  readonly kind: HttpBody.HttpBody["_tag"]
  readonly contentType: string
  /** The headers of the body. */
  readonly length: number
  readonly bytes: Uint8Array
}

export const wireOf = (json: unknown, files: ReadonlyArray<FileUpload.FileUpload>) =>
  Effect.flatMap(makeUpload(route, json, files), ({ withBody: lend }) =>
    lend((body) =>
      Effect.map(bytesOf(body), (bytes): Wire => {
        const { contentLength = -1, contentType = "" } = body
        return { kind: body._tag, contentType, length: contentLength, bytes }
      }),
    ),
  )

interface Parsed {
  readonly fields: Record<string, string>
  readonly files: Array<{
    readonly field: string
    readonly name: string
    readonly type: string
    readonly bytes: Buffer
  }>
}

export const parsed = ({ bytes, contentType }: Wire): Effect.Effect<Parsed> =>
  Effect.promise(
    () =>
      new Promise((resolve, reject) => {
        const result: Parsed = { fields: {}, files: [] }
        const form = busboy({ headers: { "content-type": contentType }, defParamCharset: "utf8" })
        form.on("field", (name, value) => {
          result.fields[name] = value
        })
        form.on("file", (field, stream, { filename = "", mimeType }) => {
          const chunks: Array<Buffer> = []
          stream.on("data", (chunk: Buffer) => chunks.push(chunk))
          stream.on("close", () =>
            result.files.push({
              field,
              name: filename,
              type: mimeType,
              bytes: Buffer.concat(chunks),
            }),
          )
        })
        form.on("error", reject)
        form.on("close", () => resolve(result))
        form.end(bytes)
      }),
  )

/** The fields and files of a body; JSON without a form around it is the field `payload_json`. */
export const readForm = (body: HttpBody.HttpBody): Effect.Effect<Parsed> =>
  Effect.flatMap(bytesOf(body), (bytes) => {
    const { contentLength = -1, contentType = "" } = body
    return contentType.startsWith("multipart/")
      ? parsed({ kind: body._tag, contentType, length: contentLength, bytes })
      : Effect.succeed({ fields: { payload_json: Buffer.from(bytes).toString() }, files: [] })
  })
