import { isRecord } from "../form/check.js"
import { invalidForm, issue } from "../form/issue.js"
import { apiError, statusError } from "./apiError.js"
import type { FilePart, SimulatedRequest, SimulatedResponse } from "./exchange.js"
import { mediaTypeOf } from "./multipart.js"

/** A body that was understood, or the answer that refuses it. */
export type ParsedBody =
  | {
      readonly _tag: "Fields"
      readonly fields: Readonly<Record<string, unknown>>
      readonly files: ReadonlyArray<FilePart>
    }
  | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

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

/** The body as text. */
export function requestText({ body }: SimulatedRequest): string {
  if (body === undefined) return ""
  return typeof body === "string" ? body : textDecoder.decode(body)
}

type Parser = (request: SimulatedRequest) => ParsedBody

/** The media types that Discord reads. A new one is a row here. */
const parsers: Readonly<Record<string, Parser>> = {
  "application/json": (request) => parseJson(requestText(request)),
  "application/x-www-form-urlencoded": (request) => parseForm(requestText(request)),
  "multipart/form-data": parseMultipart,
}

/** Reads a request's body by its Content-Type. No body at all is an empty object. */
export const parseBody = (request: SimulatedRequest, maxBytes: number): ParsedBody => {
  const length = request.body?.length ?? 0
  if (length === 0) return parsed({})
  if (length > maxBytes) return refused(apiError(40005))
  const parser = parsers[mediaTypeOf(request)]
  return parser === undefined ? refused(wrongContentType) : parser(request)
}

function parseJson(text: string): ParsedBody {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refused(apiError(50109))
  }
  return isRecord(value) ? parsed(value) : refused(notAnObject)
}

function parseForm(text: string): ParsedBody {
  return parseFields(Object.fromEntries(new URLSearchParams(text)))
}

function parseMultipart({ form }: SimulatedRequest): ParsedBody {
  if (form === undefined || form === "malformed") return refused(statusError(400, "Bad Request"))
  // The part of a file that has no file name is text, and no file.
  if (Object.keys(form.fields).some((name) => name.startsWith("files["))) {
    return refused(apiError(50110))
  }
  const body = parseFields(form.fields)
  return body._tag === "Refused" ? body : parsed(body.fields, form.files)
}

/** A form carries flat fields, or everything in `payload_json`. */
function parseFields(form: Readonly<Record<string, string>>): ParsedBody {
  const payload = form["payload_json"]
  if (payload !== undefined) return parseJson(payload)
  const fields: Record<string, unknown> = { ...form }
  // All of a form is text; these two fields are something else.
  if (/^-?\d+$/.test(form["flags"] ?? "")) fields["flags"] = Number(form["flags"])
  if (/^(?:true|false)$/i.test(form["tts"] ?? "")) fields["tts"] = /true/i.test(form["tts"] ?? "")
  return parsed(fields)
}

function parsed(
  fields: Readonly<Record<string, unknown>>,
  files: ReadonlyArray<FilePart> = [],
): ParsedBody {
  return { _tag: "Fields", fields, files }
}

function refused(response: SimulatedResponse): ParsedBody {
  return { _tag: "Refused", response }
}
