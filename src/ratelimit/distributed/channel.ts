/**
 * Channels with a limit that no header shows. Their messages need the turn of the channel beside that of their
 * webhook, so that one process at a time counts them.
 */
import type {
  BucketState,
  ChannelState,
  PendingRequest,
  WebhookState,
} from "../internal/bucketState.js"
import type { Policy } from "../strategy/Policy.js"

/** The key of a channel's turn. */
export const channelKey = (id: string): string => `channel.${id}`

/** A channel with a hidden limit. */
export class SharedChannel {
  readonly state: ChannelState
  /** Its webhooks, those that other processes use as well. */
  readonly webhooks = new Set<string>()
  /**
   * Whether this process has sent messages before the limit was known, which only its own state counts. False once
   * they are part of the common one.
   */
  hasOwnCount: boolean

  constructor(state: ChannelState, hasOwnCount: boolean) {
    this.state = state
    this.hasOwnCount = hasOwnCount
  }
}

/** The requests for which a turn is needed. */
export interface Requests extends Pick<WebhookState, "inFlight" | "waiting" | "buckets"> {
  readonly pending: () => Iterable<PendingRequest>
}

/** Whether the messages of a webhook count in this bucket. */
export function isForMessages(bucket: BucketState): boolean {
  return bucket.webhook.routes.some(
    (route) => route.bucket === bucket && route.name.startsWith("POST"),
  )
}

/** Whether the process knows a hidden limit, or the state of the webhook contains one. */
export function hasHiddenLimit(bucket: BucketState, policy: Policy): boolean {
  if (bucket.findingsOf(policy).hiddenLimit !== undefined) return true
  const { learned, learnedBy } = bucket
  return learnedBy?.name === policy.name && policy.findings?.(learned).hiddenLimit !== undefined
}

/** The messages of a channel that have the turn of their webhook. */
export function messagesOf(
  channel: ChannelState,
  hasTurn: (request: PendingRequest) => boolean,
): Requests {
  const buckets: Array<BucketState> = []
  const messages: Array<PendingRequest> = []
  for (const bucket of channel.buckets) {
    if (!isForMessages(bucket)) continue
    const ready = [...bucket.queue].filter(hasTurn)
    if (ready.length > 0) buckets.push(bucket)
    for (const request of ready) messages.push(request)
  }
  return { inFlight: channel.inFlight, waiting: messages.length, buckets, pending: () => messages }
}
