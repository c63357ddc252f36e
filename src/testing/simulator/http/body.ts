import { isRecord } from "../form/check.js"
import { invalidForm, issue } from "../form/issue.js"
import { apiError, statusError } from "./apiError.js"
import type { SimulatedRequest, SimulatedResponse } from "./exchange.js"

/** A body that was understood, or the answer that refuses it. */
export type ParsedBody =
  | { readonly _tag: "Fields"; readonly fields: Readonly<Record<string, unknown>> }
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
  // Refused loudly rather than half understood, until files are simulated.
  "multipart/form-data": () =>
    refused(statusError(501, "DiscordSimulator does not read multipart/form-data yet")),
}

/** Reads a request's body by its Content-Type. No body at all is an empty object. */
export const parseBody = (request: SimulatedRequest, maxBytes: number): ParsedBody => {
  const length = request.body?.length ?? 0
  if (length === 0) return { _tag: "Fields", fields: {} }
  if (length > maxBytes) return refused(apiError(40005))
  const mediaType = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? ""
  const parser = parsers[mediaType]
  return parser === undefined ? refused(wrongContentType) : parser(request)
}

function parseJson(text: string): ParsedBody {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refused(apiError(50109))
  }
  return isRecord(value) ? { _tag: "Fields", fields: value } : refused(notAnObject)
}

/** A form carries flat fields, or everything in `payload_json`. */
function parseForm(text: string): ParsedBody {
  const form = new URLSearchParams(text)
  const payload = form.get("payload_json")
  if (payload !== null) return parseJson(payload)
  return { _tag: "Fields", fields: Object.fromEntries(form) }
}

function refused(response: SimulatedResponse): ParsedBody {
  return { _tag: "Refused", response }
}
