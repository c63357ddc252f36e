import { isRecord } from "./form/check.js"
import { requestText } from "./http/body.js"
import type { Outcome, ReadForm, SimulatedRequest, SimulatedResponse } from "./http/exchange.js"
import type { Route } from "./http/route.js"
import { countInvalid } from "./limit/limits.js"
import type { MutableRecord, RecordedFile } from "./traffic.js"
import type { World } from "./world.js"

/** The entry of a request that just arrived. */
export const newEntry = (
  world: World,
  now: number,
  request: SimulatedRequest,
  route: Route,
): MutableRecord => {
  const isMatched = route._tag === "Matched"
  return {
    sequence: ++world.traffic.sequence,
    operation: route._tag === "Unmatched" ? "unknown" : route.operation,
    method: request.method,
    path: route.template,
    version: route.version,
    webhookId: isMatched ? route.webhookId : undefined,
    messageId: isMatched ? route.messageId : undefined,
    query: request.query,
    headers: recordedHeaders(request.headers),
    body: world.config.trafficHistory > 0 ? recordedBody(request) : undefined,
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
  if (form === "malformed") return undefined
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
export const note = (
  world: World,
  now: number,
  entry: MutableRecord,
  result: { readonly outcome: Outcome; readonly response: SimulatedResponse | undefined },
): void => {
  const { statistics } = world.traffic
  const { outcome, response } = result
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
  if (status === 401 || status === 403 || (status === 429 && scope !== "shared")) {
    statistics.invalid++
    countInvalid(world.limits, world.config, now)
  }
}
