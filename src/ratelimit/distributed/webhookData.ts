/**
 * The state that the limiter keeps for one webhook as JSON text, so that another process continues with
 * it. The requests of the webhook stay in their processes: the state is only passed on while none is in
 * flight. What the webhooks of a channel have in common is the state of the channel: `channelData.ts`.
 */
import * as Either from "effect/Either"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import {
  BucketState,
  type PendingRequest,
  RouteState,
  type WebhookState,
} from "../internal/bucketState.js"
import { moveRequests } from "../internal/learning.js"
import type { StateMachine } from "../internal/stateMachine.js"
import type { Kind } from "../Route.js"
import type { Policy } from "../strategy/Policy.js"
import { type Arrival, BucketData, setBucket, toBucketData } from "./bucketData.js"
import { Finite, ifDefined, shiftBy } from "./numbers.js"
import type { SharedWebhook } from "./sharedWebhook.js"

const kinds = ["webhook", "interaction"] as const satisfies ReadonlyArray<Kind>

/** Unknown fields are ignored; what an older version would misread gets a new `v`. */
const WebhookData = Schema.Struct({
  v: Schema.Literal(1),
  /** Missing if only the death is known. */
  kind: Schema.UndefinedOr(Schema.Literal(...kinds)),
  buckets: Schema.Array(BucketData),
  /** Missing until a response has contained it. */
  channel: Schema.UndefinedOr(Schema.String),
  /** The response that showed that the webhook is gone, and until when no request is sent. */
  dead: Schema.UndefinedOr(
    Schema.Struct({
      status: Finite,
      code: Finite,
      message: Schema.String,
      until: Finite,
    }),
  ),
})
type WebhookData = typeof WebhookData.Type

const Text = Schema.parseJson(WebhookData)
const encodeText = Schema.encodeSync(Text)
const decodeText = Schema.decodeUnknownEither(Text)

/**
 * The state of a webhook; `undefined` if there is none. `shift` is added to every time of this process.
 */
export function encodeWebhook(
  { learning }: StateMachine,
  major: string,
  shift: number,
): string | undefined {
  const webhook = learning.webhooks.get(major)
  const death = learning.deadWebhooks.all.get(major)
  if (webhook === undefined && death === undefined) return undefined
  return encodeText({
    v: 1,
    kind: webhook?.kind,
    buckets: webhook === undefined ? [] : toBuckets(webhook, shift),
    channel: webhook?.channel?.id,
    dead: ifDefined(death, ({ response: { code, message, status }, until }) => ({
      status,
      code,
      message,
      until: until + shift,
    })),
  })
}

function toBuckets(webhook: WebhookState, shift: number): ReadonlyArray<BucketData> {
  return webhook.buckets.map((bucket) => {
    const routes = webhook.routes.filter((route) => route.bucket === bucket)
    return toBucketData(
      bucket,
      routes.map(({ name }) => name),
      shift,
    )
  })
}

/**
 * The known limit of each route, which routes share one, and whether the webhook is dead: what a process that
 * continues after the death of this one would have to learn again.
 */
export function limitsOf(
  { learning }: StateMachine,
  { channel, major, savedLimits }: SharedWebhook,
): string {
  // The turn of a channel exists since its limit is known.
  if (channel !== undefined) return channel.state.id
  if (learning.deadWebhooks.all.has(major)) return "dead"
  const webhook = learning.webhooks.all.get(major)
  if (webhook === undefined) return savedLimits
  const { buckets, routes } = webhook
  const known = routes.map(({ bucket }) => {
    const { learnedBy, limit } = bucket
    const hidden = learnedBy && bucket.findingsOf(learnedBy).hiddenLimit
    return limit === undefined && hidden === undefined
      ? ""
      : `${buckets.indexOf(bucket)}:${limit}${hidden === undefined ? "" : "+"}`
  })
  return known.join(" ").trim()
}

/**
 * Replaces what this process has learned about a webhook, except memories of policies without `data`. Its
 * waiting requests stay in the queues, which the caller dispatches afterwards.
 */
export function restoreWebhook(
  machine: StateMachine,
  major: string,
  text: string,
  options: Omit<Arrival, "policies"> & { readonly policies?: ReadonlyArray<Policy> },
): Either.Either<void, ParseError> {
  return Either.map(decodeText(text), (data) => {
    applyDeath(machine, major, data, options)
    applyBuckets(machine, major, data, options)
  })
}

function applyDeath(
  { learning, pending }: StateMachine,
  major: string,
  { dead }: WebhookData,
  { now, shift, uncertainty }: Omit<Arrival, "policies">,
): void {
  learning.deadWebhooks.clear(major)
  if (dead === undefined) return
  const { until, ...response } = dead
  learning.deadWebhooks.put(major, { response, until: shiftBy(-shift, uncertainty).late(until) })
  const webhook = learning.webhooks.get(major)
  if (webhook !== undefined) pending.rejectDisallowed(webhook, now)
}

function applyBuckets(
  machine: StateMachine,
  major: string,
  { buckets, channel, kind }: WebhookData,
  options: Omit<Arrival, "policies"> & { readonly policies?: ReadonlyArray<Policy> },
): void {
  if (kind === undefined) return
  const { learning, pending, scheduler } = machine
  const { now } = options
  const webhook = learning.webhooks.getWebhook({ kind, major })
  const policies = [...(options.policies ?? []), ...policiesOf(webhook.pending())]
  // All are found before the first is assigned: a bucket that no route has any more is not found.
  const targets = buckets.map(
    (data) => [data, webhook.bucket(data.id) ?? new BucketState(data.id, webhook)] as const,
  )
  for (const [data, bucket] of targets) {
    setBucket(bucket, data, { ...options, policies })
    for (const name of data.routes) assignRoute(machine, webhook, name, bucket)
  }
  scheduler.dispatchEach(learning.webhooks.assignChannel(webhook, channel), now)
  for (const route of webhook.routes) {
    scheduler.dispatchEach(learning.webhooks.shareLimit(route), now)
  }
  pending.markIdle(webhook, now)
}

function policiesOf(requests: Iterable<PendingRequest>): Set<Policy> {
  return new Set(Array.from(requests, ({ policy }) => policy))
}

/** Assigns a bucket to a route, and moves the route's requests there. */
function assignRoute(
  { scheduler }: StateMachine,
  webhook: WebhookState,
  name: string,
  bucket: BucketState,
): void {
  const route = webhook.route(name)
  if (route === undefined) {
    webhook.routes = [...webhook.routes, new RouteState(name, webhook, bucket)]
    return
  }
  const { bucket: from } = route
  if (from === bucket) return
  route.bucket = bucket
  moveRequests(route, from, bucket)
  if (from.waiting === 0) scheduler.leaveGlobalQueue(from)
}
