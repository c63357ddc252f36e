import { type Alteration, alterResponse, connectionOutcome, faultFor } from "./faults.js"
import { snowflake } from "./forms/check.js"
import { invalidForm, type Issue, apiError, statusError, legacyResponse } from "./http/errors.js"
import { parseBody } from "./http/body.js"
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
  bucketHash,
  sharedLimit,
  takeGlobal,
  takeRoute,
  blocked,
  countInvalid,
  limited,
  withoutScope,
  withRateLimit,
} from "./limits.js"
import type { Call } from "./operations/call.js"
import { execute } from "./operations/execute.js"
import { refuseInteraction } from "./operations/interaction.js"
import { deleteMessage, editMessage, getMessage } from "./operations/messages.js"
import { executeGitHub, executeSlack } from "./operations/services.js"
import { deleteWebhook, getWebhook, modifyWebhook } from "./operations/webhooks.js"
import { type MutableRecord, recordRequest, recordResult } from "./traffic.js"
import { serverClock, type Webhook, type World } from "./state.js"

/** What the server did with a request, and what the client is to see of it. */
export interface Exchange {
  readonly outcome: Outcome
  /** What the server wrote; absent when it wrote nothing. */
  readonly response: SimulatedResponse | undefined
  /** Milliseconds by which a fault holds the answer back. */
  readonly delayMillis: number
  /** The entry in the record, so that the time of the answer can be noted. */
  readonly entry: MutableRecord
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

/** Every answer of Discord itself came through this proxy; the edge's own answers lack it. */
const via = { via: "1.1 google" }

/** The edge's answer to the User-Agent of a browser from what is none. */
const browserBlocked = apiError(40333)

const noFile: SimulatedResponse = {
  status: 404,
  headers: {},
  body: {
    _tag: "Text",
    text: "This content is no longer available.",
    contentType: "text/plain;charset=UTF-8",
  },
}

/** A request at the moment the server looks at it. */
interface Arrival {
  readonly world: World
  readonly now: number
  readonly request: SimulatedRequest
  readonly entry: MutableRecord
}

/**
 * One request, at the moment the server looks at it. The whole simulator is this function over
 * `world`: it never waits and reads no clock.
 */
export const handle = (world: World, now: number, request: SimulatedRequest): Exchange => {
  const route = matchRoute(request.method, request.path)
  const entry = recordRequest(world.traffic, now, request, route, world.config.trafficHistory)
  const fault = faultFor(world.faults, entry)
  const exchange = answer({ world, now, request, entry }, route, fault)
  const { outcome, response } = exchange
  recordResult(world.traffic, entry, outcome, response)
  if (response !== undefined && isInvalidRequest(response)) {
    countInvalid(world.limits, world.config, now)
  }
  return exchange
}

function answer(arrival: Arrival, route: Route, fault: Alteration): Exchange {
  const outcome = connectionOutcome(fault)
  const isProcessed = fault._tag !== "Answer" || fault.processed
  const isReached = outcome !== "refused" && outcome !== "reset" && outcome !== "silent"
  const own = isProcessed && isReached ? act(arrival, route) : undefined
  const response = alterResponse(fault, own)
  // An answer without a body has no middle to be cut in.
  const isWhole = outcome === "cut" && response?.body._tag === "Empty"
  return {
    outcome: isWhole ? "dropped" : outcome,
    response: outcome === "answered" || (outcome === "cut" && !isWhole) ? response : undefined,
    delayMillis: fault._tag === "Delay" ? fault.millis : 0,
    entry: arrival.entry,
  }
}

/** The edge, the global limit, the route. Files come from another host, which has none of these. */
function act(arrival: Arrival, route: Route): SimulatedResponse {
  if (route._tag === "File") return download(arrival.world, route)
  const { limits, config, traffic } = arrival.world
  if (limits.blockedUntil > arrival.now) {
    traffic.statistics.blocked++
    return blocked
  }
  if (isDisguised(arrival.request)) return browserBlocked
  const wait = isOfInteraction(arrival.world, route)
    ? undefined
    : takeGlobal(limits, config, arrival.now)
  const response = wait === undefined ? answerRoute(arrival, route) : limited("global", wait)
  const inVersion = route.version < 8 ? legacyResponse(response) : response
  return { ...inVersion, headers: { ...inVersion.headers, ...via } }
}

/** The endpoints of interactions are not bound to the global limit. */
function isOfInteraction(world: World, route: MatchedRoute | UnmatchedRoute): boolean {
  return route._tag === "Matched" && senderOf(world, route)?.interaction !== undefined
}

function senderOf(world: World, { token, webhookId }: MatchedRoute): Webhook | undefined {
  const ofInteraction = world.interactions.get(token)
  return ofInteraction?.id === webhookId ? ofInteraction : world.webhooks.get(webhookId)
}

function download({ files }: World, { attachmentId, filename }: FileRoute): SimulatedResponse {
  const file = files.files.get(attachmentId)
  if (file?.filename !== filename) return noFile
  const { bytes, contentType } = file
  return { status: 200, headers: {}, body: { _tag: "Bytes", bytes, contentType } }
}

/** Cloudflare lets no program in that poses as a browser. A real one says where its page is from. */
function isDisguised({ headers }: SimulatedRequest): boolean {
  if (headers["user-agent"]?.startsWith("Mozilla/") !== true) return false
  return headers["origin"] === undefined && headers["sec-fetch-site"] === undefined
}

function answerRoute(arrival: Arrival, route: MatchedRoute | UnmatchedRoute): SimulatedResponse {
  if (route._tag === "Matched") return answerOperation(arrival, route)
  if (route.reason === "invalidVersion") return apiError(50041)
  if (route.reason === "methodNotAllowed") return statusError(405, "Method Not Allowed")
  return statusError(404, "Not Found")
}

/** Every answer takes a slot of its bucket, refused requests included. */
function answerOperation(arrival: Arrival, route: MatchedRoute): SimulatedResponse {
  const { world, now, entry } = arrival
  const { limits, config } = world
  const rule = config.rules[route.operation]
  if (rule === undefined) return operate(arrival, route)
  const reading = takeRoute(limits, rule, `${route.webhookId} ${route.token}`, now)
  const hash = bucketHash(limits, config, rule)
  entry.bucket = hash
  entry.remaining = reading.remaining
  const response = reading.accepted ? operate(arrival, route) : limited("user", reading.retryAfter)
  return config.rateLimitHeaders
    ? withRateLimit(response, rule.model, reading, hash, serverClock(world, now))
    : { ...response, headers: withoutScope(response.headers) }
}

/** Who may come in, and what he asks for. */
function operate({ world, now, request }: Arrival, route: MatchedRoute): SimulatedResponse {
  const shared = sharedLimit(world.limits, route.webhookId, now)
  if (shared !== undefined) return limited("shared", shared.until - now, shared.code)
  const badId = refuseIds(route)
  if (badId !== undefined) return badId
  const webhook = senderOf(world, route)
  if (webhook === undefined) return apiError(10015)
  if (webhook.token !== route.token) return apiError(50027)
  const { interaction } = webhook
  const denial = interaction && refuseInteraction(interaction, route.operation, now)
  if (denial !== undefined) return denial
  const parsed = parseBody(request, world.config.maxRequestBytes)
  if (parsed._tag === "Refused") return parsed.response
  const { query, headers } = request
  const { messageId = "" } = route
  const { fields: body, files } = parsed
  return operations[route.operation]({
    world,
    now,
    webhook,
    messageId,
    query,
    headers,
    body,
    files,
  })
}

function refuseIds({ webhookId, messageId }: MatchedRoute): SimulatedResponse | undefined {
  const issues: Array<Issue> = []
  snowflake(webhookId, ["webhook_id"], issues)
  if (messageId !== undefined && messageId !== "@original")
    snowflake(messageId, ["message_id"], issues)
  return issues.length > 0 ? invalidForm(issues) : undefined
}
