/** Handles requests: how Discord would respond, and when the response arrives. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type AppliedFault, applyFault, getOutcome, takeFault } from "./faults.js"
import { snowflake } from "./forms/check.js"
import { invalidForm, type Issue, apiError, statusError, toLegacyResponse } from "./http/errors.js"
import { attachForm, parseBody } from "./http/body.js"
import {
  isInvalidRequest,
  type Outcome,
  type SimulatedRequest,
  type SimulatedResponse,
} from "./http/exchange.js"
import {
  type FileRoute,
  type MatchedRoute,
  matchRoute,
  type Route,
  type UnmatchedRoute,
  type WebhookOperation,
} from "./http/route.js"
import {
  getBucketHash,
  getSharedLimit,
  takeGlobalSlot,
  takeRouteSlot,
  blockedResponse,
  countInvalidRequest,
  rateLimitedResponse,
  removeScopeHeader,
  addRateLimitHeaders,
} from "./limits.js"
import type { Call } from "./operations/call.js"
import { checkInteraction } from "./operations/interaction.js"
import { deleteMessage, editMessage, execute, getMessage } from "./operations/messages.js"
import { executeGitHub, executeSlack } from "./operations/services.js"
import { deleteWebhook, getWebhook, modifyWebhook } from "./operations/webhooks.js"
import { type MutableTrafficRecord, recordRequest, recordResult } from "./traffic.js"
import { getServerTime, type Webhook, type State } from "./state.js"

/** The result of a request, and what the client receives. */
export interface Exchange {
  readonly outcome: Outcome
  /** The response that was sent, if any. */
  readonly response: SimulatedResponse | undefined
  /** The delay of a fault, in milliseconds. */
  readonly delayMillis: number
  /** The recorded request, to which the transport adds `respondedAt`. */
  readonly entry: MutableTrafficRecord
}

const operations: { readonly [Key in WebhookOperation]: (call: Call) => SimulatedResponse } = {
  execute,
  executeSlack,
  executeGitHub,
  getWebhook,
  modifyWebhook,
  deleteWebhook,
  getMessage,
  editMessage,
  deleteMessage,
}

/** Google's load balancer adds it to each response of the API. Cloudflare's own responses lack it. */
const proxyHeaders = { via: "1.1 google" }

/** Cloudflare's response to a program with the User-Agent of a browser. */
const forgedBrowserResponse = apiError(40333)

const fileNotFoundResponse: SimulatedResponse = {
  status: 404,
  headers: {},
  body: {
    _tag: "Text",
    text: "This content is no longer available.",
    contentType: "text/plain;charset=UTF-8",
  },
}

/** A request on arrival. */
interface ReceivedRequest {
  readonly state: State
  readonly now: number
  readonly request: SimulatedRequest
  readonly entry: MutableTrafficRecord
}

/**
 * Runs one request: request latency, `handle`, response latency. If it is interrupted before
 * `handle`, the server did not receive the request; after it, the server processed it.
 */
export const runExchange = (state: State, request: SimulatedRequest): Effect.Effect<Exchange> =>
  Effect.gen(function* () {
    const withForm = yield* attachForm(request, state.config.maxRequestBytes)
    yield* sleepMillis(state.config.requestLatency(state.random))
    const now = yield* Clock.currentTimeMillis
    const result = handle(state, now, withForm)
    yield* sleepMillis(state.config.responseLatency(state.random) + result.delayMillis)
    if (result.outcome === "noResponse") return yield* Effect.never
    if (result.outcome === "completed") result.entry.respondedAt = yield* Clock.currentTimeMillis
    return result
  })

/** Sleeps only for a positive time, so that tests without latency need no `adjust`. */
function sleepMillis(millis: number): Effect.Effect<void> {
  return millis > 0 ? Effect.sleep(millis) : Effect.void
}

/**
 * Handles one request on arrival. The simulator is this synchronous function over `state`; it reads
 * no clock.
 */
export function handle(state: State, now: number, request: SimulatedRequest): Exchange {
  const route = matchRoute(request.method, request.path)
  const entry = recordRequest(state.traffic, now, request, route, state.config.maxTrafficRecords)
  const fault = takeFault(state.faults, entry)
  const exchange = runWithFault({ state, now, request, entry }, route, fault)
  recordResult(state.traffic, entry, exchange.outcome, exchange.response)
  return exchange
}

function runWithFault(arrival: ReceivedRequest, route: Route, fault: AppliedFault): Exchange {
  const outcome = getOutcome(fault)
  const isProcessed = fault._tag !== "Respond" || fault.processed
  // A server that never responds does not process the request either.
  const isReceived = outcome !== "refused" && outcome !== "reset" && outcome !== "noResponse"
  const own = isProcessed && isReceived ? processRequest(arrival, route) : undefined
  const response = applyFault(fault, own)
  // Discord counts it although the response may not reach the client.
  if (response !== undefined && isInvalidRequest(response)) {
    countInvalidRequest(arrival.state.limits, arrival.state.config, arrival.now)
  }
  // Without a body there is nothing to truncate, and the connection ends before the response.
  const cannotTruncate = outcome === "truncated" && response?.body._tag === "Empty"
  const isSent = outcome === "completed" || (outcome === "truncated" && !cannotTruncate)
  return {
    outcome: cannotTruncate ? "dropped" : outcome,
    response: isSent ? response : undefined,
    delayMillis: fault._tag === "Delay" ? fault.millis : 0,
    entry: arrival.entry,
  }
}

/**
 * Applies Cloudflare's rules, the global limit and the route. Files have another host, without
 * limits.
 */
function processRequest(arrival: ReceivedRequest, route: Route): SimulatedResponse {
  if (route._tag === "File") return downloadFile(arrival.state, route)
  const { limits, config, traffic } = arrival.state
  if (limits.blockedUntil > arrival.now) {
    traffic.statistics.blocked++
    return blockedResponse
  }
  if (isForgedBrowser(arrival.request)) return forgedBrowserResponse
  const wait = isInteractionRoute(arrival.state, route)
    ? undefined
    : takeGlobalSlot(limits, config, arrival.now)
  const response =
    wait === undefined ? handleRoute(arrival, route) : rateLimitedResponse("global", wait)
  const versioned = route.version < 8 ? toLegacyResponse(response) : response
  return { ...versioned, headers: { ...versioned.headers, ...proxyHeaders } }
}

/** Whether a route belongs to an interaction. Such requests are not subject to the global limit. */
function isInteractionRoute(state: State, route: MatchedRoute | UnmatchedRoute): boolean {
  return route._tag === "Matched" && findWebhook(state, route)?.interaction !== undefined
}

function findWebhook(state: State, { token, webhookId }: MatchedRoute): Webhook | undefined {
  const ofInteraction = state.interactions.get(token)
  return ofInteraction?.id === webhookId ? ofInteraction : state.webhooks.get(webhookId)
}

function downloadFile({ files }: State, { attachmentId, filename }: FileRoute): SimulatedResponse {
  const file = files.files.get(attachmentId)
  if (file?.filename !== filename) return fileNotFoundResponse
  const { bytes, contentType } = file
  return { status: 200, headers: {}, body: { _tag: "Bytes", bytes, contentType } }
}

/**
 * Whether a program uses the User-Agent of a browser, which Cloudflare rejects. Browsers also send
 * their origin.
 */
function isForgedBrowser({ headers }: SimulatedRequest): boolean {
  if (headers["user-agent"]?.startsWith("Mozilla/") !== true) return false
  return headers["origin"] === undefined && headers["sec-fetch-site"] === undefined
}

function handleRoute(
  arrival: ReceivedRequest,
  route: MatchedRoute | UnmatchedRoute,
): SimulatedResponse {
  if (route._tag === "Matched") return handleOperation(arrival, route)
  if (route.reason === "invalidVersion") return apiError(50041)
  if (route.reason === "methodNotAllowed") return statusError(405, "Method Not Allowed")
  return statusError(404, "Not Found")
}

/** Takes a slot and runs the operation. Rejected requests take slots as well. */
function handleOperation(arrival: ReceivedRequest, route: MatchedRoute): SimulatedResponse {
  const { state, now, entry } = arrival
  const { limits, config } = state
  const rule = config.rules[route.operation]
  if (rule === undefined) return runOperation(arrival, route)
  const slot = takeRouteSlot(limits, rule, `${route.webhookId} ${route.token}`, now)
  const hash = getBucketHash(limits, config, rule)
  entry.bucket = hash
  entry.remaining = slot.remaining
  const response = slot.accepted
    ? runOperation(arrival, route)
    : rateLimitedResponse("user", slot.retryAfter)
  return config.rateLimitHeaders
    ? addRateLimitHeaders(response, rule.model, slot, hash, getServerTime(state, now))
    : { ...response, headers: removeScopeHeader(response.headers) }
}

/** Checks shared limits, ids, token and body, then runs the operation. */
function runOperation(
  { state, now, request }: ReceivedRequest,
  route: MatchedRoute,
): SimulatedResponse {
  const shared = getSharedLimit(state.limits, route.webhookId, now)
  if (shared !== undefined) return rateLimitedResponse("shared", shared.until - now, shared.code)
  const idError = checkIds(route)
  if (idError !== undefined) return idError
  const webhook = findWebhook(state, route)
  if (webhook === undefined) return apiError(10015)
  if (webhook.token !== route.token) return apiError(50027)
  const { interaction } = webhook
  const interactionError = interaction && checkInteraction(interaction, route.operation, now)
  if (interactionError !== undefined) return interactionError
  const parsed = parseBody(request, state.config.maxRequestBytes)
  if (parsed._tag === "Rejected") return parsed.response
  const { query, headers } = request
  const { messageId = "" } = route
  const { fields: body, files } = parsed
  return operations[route.operation]({
    state,
    now,
    webhook,
    messageId,
    query,
    headers,
    body,
    files,
  })
}

function checkIds({ webhookId, messageId }: MatchedRoute): SimulatedResponse | undefined {
  const issues: Array<Issue> = []
  snowflake(webhookId, ["webhook_id"], issues)
  if (messageId !== undefined && messageId !== "@original")
    snowflake(messageId, ["message_id"], issues)
  return issues.length > 0 ? invalidForm(issues) : undefined
}
