import {
  isInvalidRequest,
  isJsonObject,
  type Outcome,
  type RateLimitScope,
  type ParsedForm,
  type SimulatedRequest,
  type SimulatedResponse,
} from "./http/exchange.js"
import type { Operation, Route } from "./http/route.js"
import { decodeBody, isMultipart } from "./http/body.js"

/**
 * A recorded request. Times are those of the Effect `Clock` in milliseconds, without the server's
 * skew.
 *
 * @since 0.1.0
 * @category models
 */
export interface TrafficRecord {
  /** Starts at 1, in the order of arrival. */
  readonly sequence: number
  readonly operation: Operation | "unknown"
  readonly method: string
  /** The path, with placeholders for id and token. */
  readonly path: string
  /** The API version of the URL: 6 if it has none, 0 for the download of a file. */
  readonly version: number
  readonly webhookId: string | undefined
  readonly messageId: string | undefined
  readonly query: Readonly<Record<string, string>>
  /** Lower-case names; `authorization` is redacted. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The body. JSON is parsed, a form is its parsed `payload_json` or else its fields, other bodies
   * are text; absent if the request had none.
   */
  readonly body: unknown
  /** The files of a multipart body, without their bytes. */
  readonly files: ReadonlyArray<RecordedFile>
  readonly arrivedAt: number
  /** When the client received the whole response; absent before. */
  readonly respondedAt: number | undefined
  readonly outcome: Outcome
  /** Absent if there is no response. */
  readonly status: number | undefined
  /** Discord's error code, if the body has one. */
  readonly code: number | undefined
  readonly bucket: string | undefined
  readonly remaining: number | undefined
  /** The scope of a 429. */
  readonly scope: RateLimitScope | undefined
}

/**
 * A file of a request. `part` is the name of its part, such as `files[0]`; `size` is in bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordedFile {
  readonly part: string
  readonly filename: string
  readonly contentType: string
  readonly size: number
}

/**
 * Counters since the simulator started, or since `clearTraffic`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Statistics {
  readonly requests: number
  /** Responses with a 2xx status. */
  readonly accepted: number
  readonly byStatus: Readonly<Record<number, number>>
  /** 429 responses by scope. */
  readonly limited: Readonly<Record<RateLimitScope, number>>
  /** 429 responses of the hidden limit, which `limited` includes. */
  readonly limitedByHidden: number
  /** Responses that Discord counts as invalid requests: 401, 403, and 429 except `shared`. */
  readonly invalid: number
  /** Requests rejected while the client was blocked. */
  readonly blocked: number
  /** Messages sent, including deleted ones. */
  readonly messages: number
}

export type MutableTrafficRecord = { -readonly [Key in keyof TrafficRecord]: TrafficRecord[Key] }

type MutableStatistics = { -readonly [Key in keyof Statistics]: Statistics[Key] } & {
  byStatus: Record<number, number>
  limited: Record<RateLimitScope, number>
}

export interface Traffic {
  sequence: number
  records: Array<MutableTrafficRecord>
  statistics: MutableStatistics
}

export const makeTraffic = (): Traffic => ({
  sequence: 0,
  records: [],
  statistics: emptyStatistics(),
})

/** Clears records and counters; the sequence continues. */
export const clearTraffic = (traffic: Traffic): void => {
  traffic.records = []
  traffic.statistics = emptyStatistics()
}

export const readRecords = (traffic: Traffic, maxRecords: number): ReadonlyArray<TrafficRecord> =>
  (maxRecords > 0 ? traffic.records.slice(-Math.min(maxRecords, traffic.records.length)) : []).map(
    (entry) => ({ ...entry }),
  )

/** A copy of the counters. */
export const readStatistics = ({ statistics }: Traffic): Statistics => ({
  ...statistics,
  byStatus: { ...statistics.byStatus },
  limited: { ...statistics.limited },
})

/** Records a request on arrival, and returns the entry for its result. */
export const recordRequest = (
  traffic: Traffic,
  now: number,
  request: SimulatedRequest,
  route: Route,
  maxRecords: number,
): MutableTrafficRecord => {
  const isMatched = route._tag === "Matched"
  const entry: MutableTrafficRecord = {
    sequence: ++traffic.sequence,
    operation: route._tag === "Unmatched" ? "unknown" : route.operation,
    method: request.method,
    path: route.template,
    version: route.version,
    webhookId: isMatched ? route.webhookId : undefined,
    messageId: isMatched ? route.messageId : undefined,
    query: request.query,
    headers: redactHeaders(request.headers),
    body: maxRecords > 0 ? readRecordedBody(request) : undefined,
    files: describeFiles(request.form),
    arrivedAt: now,
    respondedAt: undefined,
    outcome: "completed",
    status: undefined,
    code: undefined,
    bucket: undefined,
    remaining: undefined,
    scope: undefined,
  }
  storeRecord(traffic, entry, maxRecords)
  return entry
}

/** Stores a record. Above twice `maxRecords`, the oldest half is removed. */
function storeRecord(traffic: Traffic, entry: MutableTrafficRecord, maxRecords: number): void {
  if (maxRecords <= 0) return
  traffic.records.push(entry)
  if (traffic.records.length >= 2 * maxRecords) traffic.records = traffic.records.slice(-maxRecords)
}

function redactHeaders(headers: SimulatedRequest["headers"]): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) kept[name] = name === "authorization" ? "<redacted>" : value
  }
  return kept
}

function readRecordedBody(request: SimulatedRequest): unknown {
  if (request.body === undefined || request.body.length === 0) return undefined
  const { form } = request
  // A form that was not parsed has no readable body.
  if (form === "malformed" || (form === undefined && isMultipart(request))) return undefined
  if (form !== undefined) return parseJsonOrText(form.fields["payload_json"]) ?? form.fields
  return parseJsonOrText(decodeBody(request))
}

function parseJsonOrText(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function describeFiles(form: ParsedForm | undefined): ReadonlyArray<RecordedFile> {
  if (form === undefined || form === "malformed") return []
  return form.files.map(({ bytes, ...file }) => ({ ...file, size: bytes.length }))
}

/** Records the result of a request, and counts it. */
export const recordResult = (
  { statistics }: Traffic,
  entry: MutableTrafficRecord,
  outcome: Outcome,
  response: SimulatedResponse | undefined,
): void => {
  statistics.requests++
  entry.outcome = outcome
  if (response === undefined) return
  const { status, scope, body } = response
  entry.status = status
  if (body._tag === "Json" && isJsonObject(body.value) && typeof body.value["code"] === "number") {
    entry.code = body.value["code"]
  }
  statistics.byStatus[status] = (statistics.byStatus[status] ?? 0) + 1
  if (status >= 200 && status < 300) statistics.accepted++
  if (scope !== undefined) {
    entry.scope = scope
    statistics.limited[scope]++
  }
  if (isInvalidRequest(response)) statistics.invalid++
}

function emptyStatistics(): MutableStatistics {
  return {
    requests: 0,
    accepted: 0,
    byStatus: {},
    limited: { user: 0, shared: 0, global: 0 },
    limitedByHidden: 0,
    invalid: 0,
    blocked: 0,
    messages: 0,
  }
}
