import {
  isInvalidRequest,
  isRecord,
  type Outcome,
  type RateLimitScope,
  type ReadForm,
  type SimulatedRequest,
  type SimulatedResponse,
} from "./http/exchange.js"
import type { Operation, Route } from "./http/route.js"
import { requestText, isMultipart } from "./http/body.js"

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
  readonly answeredAt: number | undefined
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

export type MutableRecord = { -readonly [Key in keyof TrafficRecord]: TrafficRecord[Key] }

type MutableStatistics = { -readonly [Key in keyof Statistics]: Statistics[Key] } & {
  byStatus: Record<number, number>
  limited: Record<RateLimitScope, number>
}

export interface Traffic {
  sequence: number
  records: Array<MutableRecord>
  statistics: MutableStatistics
}

export const makeTraffic = (): Traffic => ({
  sequence: 0,
  records: [],
  statistics: noStatistics(),
})

/** Forgets records and counts; the numbering goes on. */
export const clearTraffic = (traffic: Traffic): void => {
  traffic.records = []
  traffic.statistics = noStatistics()
}

export const recorded = (traffic: Traffic, history: number): ReadonlyArray<TrafficRecord> =>
  (history > 0 ? traffic.records.slice(-Math.min(history, traffic.records.length)) : []).map(
    (entry) => ({ ...entry }),
  )

/** The counts as they are now, as a value of their own. */
export const snapshot = ({ statistics }: Traffic): Statistics => ({
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
  history: number,
): MutableRecord => {
  const isMatched = route._tag === "Matched"
  const entry: MutableRecord = {
    sequence: ++traffic.sequence,
    operation: route._tag === "Unmatched" ? "unknown" : route.operation,
    method: request.method,
    path: route.template,
    version: route.version,
    webhookId: isMatched ? route.webhookId : undefined,
    messageId: isMatched ? route.messageId : undefined,
    query: request.query,
    headers: recordedHeaders(request.headers),
    body: history > 0 ? recordedBody(request) : undefined,
    files: recordedFiles(request.form),
    arrivedAt: now,
    answeredAt: undefined,
    outcome: "answered",
    status: undefined,
    code: undefined,
    bucket: undefined,
    remaining: undefined,
    scope: undefined,
  }
  keepRecord(traffic, entry, history)
  return entry
}

/** Keeps a record, and forgets the oldest half when there are twice as many as `history`. */
function keepRecord(traffic: Traffic, entry: MutableRecord, history: number): void {
  if (history <= 0) return
  traffic.records.push(entry)
  if (traffic.records.length >= 2 * history) traffic.records = traffic.records.slice(-history)
}

function recordedHeaders(headers: SimulatedRequest["headers"]): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) kept[name] = name === "authorization" ? "<redacted>" : value
  }
  return kept
}

function recordedBody(request: SimulatedRequest): unknown {
  if (request.body === undefined || request.body.length === 0) return undefined
  const { form } = request
  // Of a form that was not read, the bytes tell nobody anything.
  if (form === "malformed" || (form === undefined && isMultipart(request))) return undefined
  if (form !== undefined) return jsonOrText(form.fields["payload_json"]) ?? form.fields
  return jsonOrText(requestText(request))
}

function jsonOrText(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function recordedFiles(form: ReadForm | undefined): ReadonlyArray<RecordedFile> {
  if (form === undefined || form === "malformed") return []
  return form.files.map(({ bytes, ...file }) => ({ ...file, size: bytes.length }))
}

/** Writes the result into the record and the counts. */
export const recordResult = (
  { statistics }: Traffic,
  entry: MutableRecord,
  outcome: Outcome,
  response: SimulatedResponse | undefined,
): void => {
  statistics.requests++
  entry.outcome = outcome
  if (response === undefined) return
  const { status, scope, body } = response
  entry.status = status
  if (body._tag === "Json" && isRecord(body.value) && typeof body.value["code"] === "number") {
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

function noStatistics(): MutableStatistics {
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
