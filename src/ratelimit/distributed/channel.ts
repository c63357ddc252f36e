/**
 * Channels with a hidden limit, which no header shows and a strategy's `Policy` estimates (`Findings.hiddenLimit`).
 * Their messages need the turn of the channel (the right of one process to send, see `store.ts`) in addition to that of
 * their webhook, so that one process at a time counts them. Neither the order of messages nor the limits in headers depend on it, so a message that has waited for too long is
 * sent without it.
 */
import type {
  BucketState,
  ChannelState,
  PendingRequest,
  WebhookState,
} from "../internal/bucketState.js"
import type { Policy } from "../strategy/Policy.js"

const channelPrefix = "channel."

/** The key of a channel's turn. */
export const channelKey = (id: string): string => channelPrefix + id

/** Describes the webhook or channel with this key, for logs. */
export function describeKey(key: string): string {
  return key.startsWith(channelPrefix)
    ? `channel ${key.slice(channelPrefix.length)}`
    : `webhook ${key}`
}

interface QueuePosition {
  /** The time at which the message first needed the turn. */
  readonly since: number
  /** Its arrival time in microseconds, by which the queue of the channel is sorted. */
  readonly sequence: number
}

/** A channel with a hidden limit: a part of its `TurnTarget`, which is what this process knows of its turn. */
export class LimitedChannel {
  readonly state: ChannelState
  /** `Route.major` of its webhooks, including those that only other processes use. */
  readonly webhooks = new Set<string>()
  /**
   * Whether this process sent messages before it knew the limit, which its own state counts and the stored one does
   * not. False from the time at which the stored state includes them.
   */
  hasOwnCount: boolean
  /** Maximum milliseconds for which a message waits for the turn. */
  maxWait = 0
  /** Whether a message has waited for `maxWait`. All are then sent without the turn, until this process has it. */
  canSendWithoutTurn = false
  /** The store may have removed smaller sequences from the queue. */
  #firstInQueue = 0
  readonly #positions = new WeakMap<PendingRequest, QueuePosition>()

  constructor(state: ChannelState, hasOwnCount: boolean) {
    this.state = state
    this.hasOwnCount = hasOwnCount
  }

  /** The sequence of a message; `undefined` if it has never needed the turn. */
  sequenceOf(request: PendingRequest): number | undefined {
    return this.#positions.get(request)?.sequence
  }

  /** Whether a message is not in the queue of the store, and has to join it. */
  isOutsideQueue(request: PendingRequest): boolean {
    return (this.#positions.get(request)?.sequence ?? -1) < this.#firstInQueue
  }

  /** Sets the sequence of a message, and replaces an earlier one. */
  enqueue(request: PendingRequest, sequence: number, now: number): void {
    const since = this.#positions.get(request)?.since ?? now
    this.#positions.set(request, { since, sequence: Math.max(sequence, this.#firstInQueue) })
  }

  /** Removes a message that was sent. */
  dequeue(request: PendingRequest): void {
    this.#positions.delete(request)
  }

  /** Records that the store may have removed all smaller sequences from the queue. */
  dequeueBefore(sequence: number): void {
    this.#firstInQueue = Math.max(this.#firstInQueue, sequence)
  }

  /** Whether a message has waited for too long, so that it is sent without the turn. */
  isOverdue(request: PendingRequest, now: number): boolean {
    const since = this.#positions.get(request)?.since
    return this.canSendWithoutTurn || (since !== undefined && now >= since + this.maxWait)
  }
}

/** Finds the channels for which a policy of this process has found a hidden limit. */
export class HiddenLimits {
  /** Channels to which this process sent messages before it knew a limit. */
  readonly #usedChannels = new WeakSet<ChannelState>()

  /** Returns the channel with the hidden limit that a message counts against; `undefined` while none is known. */
  channelOf({ bucket, policy, routeState: { webhook } }: PendingRequest): ChannelState | undefined {
    const { channel } = webhook
    if (channel === undefined || !isForMessages(bucket)) return undefined
    if (!hasHiddenLimit(bucket, policy)) {
      this.#usedChannels.add(channel)
      return undefined
    }
    // From now on, the webhooks of the channel share what their policies learn.
    channel.memories ??= new Map()
    return channel
  }

  createChannel(channel: ChannelState): LimitedChannel {
    return new LimitedChannel(channel, this.#usedChannels.delete(channel))
  }
}

/** Whether the messages of a webhook count in this bucket. */
function isForMessages(bucket: BucketState): boolean {
  return bucket.webhook.routes.some(
    (route) => route.bucket === bucket && route.name.startsWith("POST"),
  )
}

/**
 * Whether the policy has found a hidden limit: in what the webhooks of the channel have learned together, or in what
 * this bucket learned before.
 */
function hasHiddenLimit(bucket: BucketState, policy: Policy): boolean {
  if (bucket.findingsOf(policy).hiddenLimit !== undefined) return true
  const { learned, learnedBy } = bucket
  return learnedBy?.name === policy.name && policy.findings?.(learned).hiddenLimit !== undefined
}

/** The requests that need the same turn. */
export interface Requests extends Pick<WebhookState, "inFlight" | "waiting" | "buckets"> {
  readonly pending: () => Iterable<PendingRequest>
}

/** Returns the messages of a channel that have the turn of their webhook. */
export function messagesOf(
  channel: ChannelState,
  hasTurn: (request: PendingRequest) => boolean,
): Requests {
  const buckets: Array<BucketState> = []
  const messages: Array<PendingRequest> = []
  for (const bucket of channel.webhooks.flatMap((webhook) => webhook.buckets)) {
    if (!isForMessages(bucket)) continue
    const ready = [...bucket.queue].filter(hasTurn)
    if (ready.length > 0) buckets.push(bucket)
    for (const request of ready) messages.push(request)
  }
  return { inFlight: channel.inFlight, waiting: messages.length, buckets, pending: () => messages }
}
