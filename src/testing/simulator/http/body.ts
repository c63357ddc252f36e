import { invalidForm, issue, apiError, statusError } from "./errors.js"
import {
  type JsonObject,
  type FilePart,
  isJsonObject,
  type ParsedForm,
  type SimulatedRequest,
  type SimulatedResponse,
} from "./exchange.js"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as Multipart from "@effect/platform/Multipart"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** The fields and files of a body, or the response that rejects it. */
export type BodyResult =
  | {
      readonly _tag: "Fields"
      readonly fields: JsonObject
      readonly files: ReadonlyArray<FilePart>
    }
  | { readonly _tag: "Rejected"; readonly response: SimulatedResponse }

const wrongContentType = invalidForm([
  issue(
    [],
    "CONTENT_TYPE_INVALID",
    "Expected \"Content-Type\" header to be one of {'application/json', " +
      "'application/x-www-form-urlencoded', 'multipart/form-data'}.",
  ),
])

const notAnObject = invalidForm([
  issue([], "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType"),
])

const textDecoder = new TextDecoder()
const latin1Decoder = new TextDecoder("latin1")
const strictDecoder = new TextDecoder("utf-8", { fatal: true })

/** The body of a request as text. */
export function decodeBody({ body }: SimulatedRequest): string {
  if (body === undefined) return ""
  return typeof body === "string" ? body : textDecoder.decode(body)
}

type Parser = (request: SimulatedRequest) => BodyResult

/** The parsers of the media types that Discord accepts. */
const parsers: Readonly<Record<string, Parser>> = {
  "application/json": (request) => parseJson(decodeBody(request)),
  "application/x-www-form-urlencoded": (request) => parseForm(decodeBody(request)),
  "multipart/form-data": parseMultipart,
}

/** Parses a body by its Content-Type. An absent body is an empty object. */
export const parseBody = (request: SimulatedRequest, maxBytes: number): BodyResult => {
  const length = request.body?.length ?? 0
  if (length === 0) return acceptFields({})
  if (length > maxBytes) return rejectBody(apiError(40005))
  const parser = parsers[getMediaType(request)]
  return parser === undefined ? rejectBody(wrongContentType) : parser(request)
}

function parseJson(text: string): BodyResult {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return rejectBody(apiError(50109))
  }
  return isJsonObject(value) ? acceptFields(value) : rejectBody(notAnObject)
}

function parseForm(text: string): BodyResult {
  return parseFields(Object.fromEntries(new URLSearchParams(text)))
}

function parseMultipart({ form }: SimulatedRequest): BodyResult {
  if (form === undefined || form === "malformed") return rejectBody(statusError(400, "Bad Request"))
  // A part `files[n]` without a file name is a text field.
  if (Object.keys(form.fields).some((name) => name.startsWith("files["))) {
    return rejectBody(apiError(50110))
  }
  const body = parseFields(form.fields)
  return body._tag === "Rejected" ? body : acceptFields(body.fields, form.files)
}

/** The fields of a form, or the object in its `payload_json`. */
function parseFields(form: Readonly<Record<string, string>>): BodyResult {
  const payload = form["payload_json"]
  if (payload !== undefined) return parseJson(payload)
  const fields: Record<string, unknown> = { ...form }
  // Form fields are text; these two have other types.
  if (/^-?\d+$/.test(form["flags"] ?? "")) fields["flags"] = Number(form["flags"])
  if (/^(?:true|false)$/i.test(form["tts"] ?? "")) fields["tts"] = /true/i.test(form["tts"] ?? "")
  return acceptFields(fields)
}

function acceptFields(fields: JsonObject, files: ReadonlyArray<FilePart> = []): BodyResult {
  return { _tag: "Fields", fields, files }
}

function rejectBody(response: SimulatedResponse): BodyResult {
  return { _tag: "Rejected", response }
}

/** The media type of a request, without its parameters. */
function getMediaType({ headers }: SimulatedRequest): string {
  return headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? ""
}

export function isMultipart(request: SimulatedRequest): boolean {
  return getMediaType(request) === "multipart/form-data"
}

/**
 * Parses a multipart body with the parser of `@effect/platform`, and returns other requests
 * unchanged. The parser is an Effect, so this runs before the synchronous `handle`.
 */
export const attachForm = (
  request: SimulatedRequest,
  maxBytes: number,
): Effect.Effect<SimulatedRequest> => {
  const { body } = request
  if (!isMultipart(request)) return Effect.succeed(request)
  if (body === undefined || body.length > maxBytes) return Effect.succeed(request)
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body
  const boundary = findBoundary(request.headers["content-type"] ?? "")
  if (boundary === undefined || !hasClosingBoundary(bytes, boundary)) {
    return Effect.succeed({ ...request, form: "malformed" })
  }
  return readParts(bytes, boundary).pipe(
    // The parser throws if an encoded name is not UTF-8.
    Effect.catchAllCause(() => Effect.succeed<ParsedForm>("malformed")),
    Effect.map((form) => ({ ...request, form })),
  )
}

function findBoundary(contentType: string): string | undefined {
  const found = /;\s*boundary=(?:"([\w'()+,./:=? -]+)"|([\w'+./-]+))\s*(?:;|$)/i.exec(contentType)
  return found?.[1] ?? found?.[2]
}

/** Whether a form has its closing boundary. Without it the parser never ends. */
function hasClosingBoundary(bytes: Uint8Array, boundary: string): boolean {
  return `\r\n${latin1Decoder.decode(bytes)}`.includes(`\r\n--${boundary}--`)
}

function readParts(bytes: Uint8Array, boundary: string) {
  const headers = { "content-type": `multipart/form-data; boundary="${boundary}"` }
  return Stream.make(widen(bytes)).pipe(
    Stream.pipeThroughChannel(Multipart.makeChannel(headers)),
    Stream.mapEffect(readPart),
    Stream.runCollect,
    // A JSON file is a file, and `handle` checks the sizes.
    Multipart.withFieldMimeTypes([]),
    Multipart.withMaxFieldSize(bytes.length),
    HttpIncomingMessage.withMaxBodySize(Option.none()),
    Effect.map((parts): ParsedForm => {
      const fields: Record<string, string> = {}
      const files: Array<FilePart> = []
      for (const part of parts) {
        if (part.part === "") return "malformed"
        if ("bytes" in part) files.push(part)
        else fields[part.part] = part.value
      }
      return { fields, files }
    }),
  )
}

type ReadPart = FilePart | { readonly part: string; readonly value: string }

/** Reads a part. `payload_json` may have a file name, as browsers send a `Blob`. */
function readPart(part: Multipart.Part): Effect.Effect<ReadPart, Multipart.MultipartError> {
  const name = unescapeName(decodeNarrowText(part.key))
  if (part._tag === "Field")
    return Effect.succeed({ part: name, value: decodeNarrowText(part.value) })
  return Effect.map(part.contentEffect, (wide): ReadPart => {
    const bytes = narrow(wide)
    if (name === "payload_json") return { part: name, value: textDecoder.decode(bytes) }
    const { contentType } = part
    return { part: name, filename: unescapeName(decodeNarrowText(part.name)), contentType, bytes }
  })
}

/**
 * Encodes each byte as one character up to U+00FF, because the parser loses part names with other
 * characters. Bytes from 128 are written as the UTF-8 of U+0080 to U+00FF; `narrow` reverses this.
 */
function widen(bytes: Uint8Array): Uint8Array {
  let high = 0
  for (const byte of bytes) if (byte > 127) high++
  if (high === 0) return bytes
  const wide = new Uint8Array(bytes.length + high)
  let at = 0
  for (const byte of bytes) {
    if (byte > 127) wide[at++] = 0xc0 | (byte >> 6)
    wide[at++] = byte > 127 ? 0x80 | (byte & 0x3f) : byte
  }
  return wide
}

/** Reverses `widen`. Returns a copy, so that a stored file does not retain the whole request. */
function narrow(wide: Uint8Array): Uint8Array {
  let high = 0
  for (const byte of wide) if (byte >= 0xc0) high++
  if (high === 0) return wide.slice()
  const bytes = new Uint8Array(wide.length - high)
  let lead = 0
  let at = 0
  for (const byte of wide) {
    if (byte >= 0xc0) lead = (byte & 0x03) << 6
    else bytes[at++] = byte > 127 ? lead | (byte & 0x3f) : byte
  }
  return bytes
}

/** Decodes text from the parser as UTF-8. The parser has already decoded a `filename*`. */
function decodeNarrowText(text: string): string {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  if (codes.some((code) => code > 0xff)) return text
  try {
    return strictDecoder.decode(Uint8Array.from(codes))
  } catch {
    return text
  }
}

/**
 * Unescapes a name. Browsers write a quote as `%22`, others as `\"`; line ends are escaped alike.
 */
function unescapeName(name: string): string {
  return name
    .replace(/\\(["\\])/g, "$1")
    .replaceAll("%22", '"')
    .replaceAll("%0D", "\r")
    .replaceAll("%0A", "\n")
}
