/**
 * The state of one webhook as JSON text, with which the next process continues. Requests stay in their processes, and
 * the state is passed on only while none is in flight. The state that the webhooks of a channel share is in
 * `channelData.ts`.
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
import { BucketData, restoreBucket, type RestoreOptions, toBucketData } from "./bucketData.js"
import { Finite, ifDefined, shiftBy } from "./numbers.js"
import type { TurnTarget } from "./turnTarget.js"

const kinds = ["webhook", "interaction"] as const satisfies ReadonlyArray<Kind>

/** Unknown fields are ignored. A format that older versions of this package would misread gets a new `v`. */
const WebhookData = Schema.Struct({
  v: Schema.Literal(1),
  /** Missing if the limiter has no state of the webhook except `dead`. */
  kind: Schema.UndefinedOr(Schema.Literal(...kinds)),
  buckets: Schema.Array(BucketData),
  /** The id of the channel; missing until a response has contained it. */
  channel: Schema.UndefinedOr(Schema.String),
  /** The response that showed that the webhook does not exist, and the time until which no request is sent. */
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
 * Encodes a webhook; returns `undefined` if it has no state. `clockOffset` is added to every time, for those of the
 * store's clock.
 */
export function encodeWebhook(
  { learning }: StateMachine,
  major: string,
  clockOffset: number,
): string | undefined {
  const webhook = learning.webhooks.get(major)
  const death = learning.deadWebhooks.all.get(major)
  if (webhook === undefined && death === undefined) return undefined
  return encodeText({
    v: 1,
    kind: webhook?.kind,
    buckets: webhook === undefined ? [] : toBuckets(webhook, clockOffset),
    channel: webhook?.channel?.id,
    dead: ifDefined(death, ({ response: { code, message, status }, until }) => ({
      status,
      code,
      message,
      until: until + clockOffset,
    })),
  })
}

function toBuckets(webhook: WebhookState, clockOffset: number): ReadonlyArray<BucketData> {
  return webhook.buckets.map((bucket) => {
    const routes = webhook.routes.filter((route) => route.bucket === bucket)
    return toBucketData(
      bucket,
      routes.map(({ name }) => name),
      clockOffset,
    )
  })
}

/**
 * Summarizes the known limit of each route, which routes share a bucket, and whether the webhook is dead. When the
 * summary changes, this process stores its state, so that no other one has to learn the limits again if it dies.
 */
export function summarizeLimits(
  { learning }: StateMachine,
  { channel, key, savedLimits }: TurnTarget,
): string {
  // A channel has a turn only once its limit is known.
  if (channel !== undefined) return channel.state.id
  if (learning.deadWebhooks.all.has(key)) return "dead"
  const webhook = learning.webhooks.unpacked.get(key)
  if (webhook === undefined) return savedLimits
  const { buckets, routes } = webhook
  const limits = routes.map(({ bucket }) => {
    const { learnedBy, limit } = bucket
    const hidden = learnedBy && bucket.findingsOf(learnedBy).hiddenLimit
    return limit === undefined && hidden === undefined
      ? ""
      : `${buckets.indexOf(bucket)}:${limit}${hidden === undefined ? "" : "+"}`
  })
  return limits.join(" ").trim()
}

/**
 * Replaces the state of a webhook by a stored one, except the memories of policies without `data`. Its waiting
 * requests stay in the queues, which the caller dispatches afterwards.
 */
export function restoreWebhook(
  machine: StateMachine,
  major: string,
  text: string,
  options: Omit<RestoreOptions, "policies"> & { readonly policies?: ReadonlyArray<Policy> },
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
  { now, clockOffset, maxClockError }: Omit<RestoreOptions, "policies">,
): void {
  learning.deadWebhooks.clear(major)
  if (dead === undefined) return
  const { until, ...response } = dead
  learning.deadWebhooks.put(major, {
    response,
    until: shiftBy(-clockOffset, maxClockError).toLatest(until),
  })
  const webhook = learning.webhooks.get(major)
  if (webhook !== undefined) pending.rejectDisallowed(webhook, now)
}

function applyBuckets(
  machine: StateMachine,
  major: string,
  { buckets, channel, kind }: WebhookData,
  options: Omit<RestoreOptions, "policies"> & { readonly policies?: ReadonlyArray<Policy> },
): void {
  if (kind === undefined) return
  const { learning, pending, scheduler } = machine
  const { now } = options
  const webhook = learning.webhooks.getWebhook({ kind, major })
  const policies = [...(options.policies ?? []), ...policiesOf(webhook.pending())]
  // All buckets are found before the first is assigned, because a bucket without a route cannot be found.
  const targets = buckets.map(
    (data) => [data, webhook.bucket(data.id) ?? new BucketState(data.id, webhook)] as const,
  )
  for (const [data, bucket] of targets) {
    restoreBucket(bucket, data, { ...options, policies })
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
