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
 * One request as the simulator saw it. Times are readings of the Effect `Clock`, in milliseconds,
 * without the server's skew.
 *
 * @since 0.1.0
 * @category models
 */
export interface TrafficRecord {
  /** From 1, in the order of arrival. */
  readonly sequence: number
  readonly operation: Operation | "unknown"
  readonly method: string
  /** The path with placeholders for id and token. */
  readonly path: string
  /** The API version of the URL; 6 when it names none, 0 for the download of a file. */
  readonly version: number
  readonly webhookId: string | undefined
  readonly messageId: string | undefined
  readonly query: Readonly<Record<string, string>>
  /** Lower-case names; `authorization` is redacted. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The body: JSON as a value, of a form its `payload_json` or else its fields, other text as text,
   * absent when there was none.
   */
  readonly body: unknown
  /** The files that came with it, without their bytes. */
  readonly files: ReadonlyArray<RecordedFile>
  readonly arrivedAt: number
  /** When the whole answer was handed to the client; absent while it has not got it. */
  readonly respondedAt: number | undefined
  readonly outcome: Outcome
  /** Absent when there is no answer. */
  readonly status: number | undefined
  /** Discord's code in the answer's body, if it has one. */
  readonly code: number | undefined
  readonly bucket: string | undefined
  readonly remaining: number | undefined
  /** Why it was limited, if it was. */
  readonly scope: RateLimitScope | undefined
}

/**
 * A file as a request brought it. `part` is the name of its part, such as `files[0]`, `size` its
 * bytes.
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
 * What the simulator counted since it started, or since `clearTraffic`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Statistics {
  readonly requests: number
  /** Answers with a 2xx status. */
  readonly accepted: number
  readonly byStatus: Readonly<Record<number, number>>
  /** 429s by scope. */
  readonly limited: Readonly<Record<RateLimitScope, number>>
  /** 429s of the hidden limit; they are in `limited` too. */
  readonly limitedByHidden: number
  /** Answers that Discord counts as invalid requests: 401, 403, and 429 that is not shared. */
  readonly invalid: number
  /** Requests that met the block page. */
  readonly blocked: number
  /** Messages sent, deleted ones included. */
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

/** Forgets records and counts; the numbering goes on. */
export const clearTraffic = (traffic: Traffic): void => {
  traffic.records = []
  traffic.statistics = emptyStatistics()
}

export const readRecords = (traffic: Traffic, maxRecords: number): ReadonlyArray<TrafficRecord> =>
  (maxRecords > 0 ? traffic.records.slice(-Math.min(maxRecords, traffic.records.length)) : []).map(
    (entry) => ({ ...entry }),
  )

/** The counts as they are now, as a value of their own. */
export const readStatistics = ({ statistics }: Traffic): Statistics => ({
  ...statistics,
  byStatus: { ...statistics.byStatus },
  limited: { ...statistics.limited },
})

/** The entry of a request that just arrived. */
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

/** Keeps a record, and forgets the oldest half when there are twice as many as `maxRecords`. */
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
  // Of a form that was not read, the bytes tell nobody anything.
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

/** Writes the result into the record and the counts. */
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
