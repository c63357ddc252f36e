/**
 * Channels with a limit that no header shows. Their messages need the turn of the channel beside that of their
 * webhook, so that one process at a time counts them. Neither the order of messages nor a limit in headers depends
 * on it: a message that has waited for long is sent without.
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

interface Place {
  /** The time at which the message first needed the turn. */
  readonly since: number
  /** Its place in the queue of the channel. */
  readonly sequence: number
}

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
  /** Maximum milliseconds for which a message waits for the turn. */
  maxWait = 0
  /** Whether a message has waited for so long, so that all are sent without the turn until there is one. */
  isAlone = false
  /** The store may have removed places with smaller sequences from its queue. */
  #firstQueued = 0
  readonly #places = new WeakMap<PendingRequest, Place>()

  constructor(state: ChannelState, hasOwnCount: boolean) {
    this.state = state
    this.hasOwnCount = hasOwnCount
  }

  /** The sequence of a message; `undefined` if it has never needed the turn. */
  sequenceOf(request: PendingRequest): number | undefined {
    return this.#places.get(request)?.sequence
  }

  /** Whether a message must join the queue. */
  isOutside(request: PendingRequest): boolean {
    return (this.#places.get(request)?.sequence ?? -1) < this.#firstQueued
  }

  /** Gives a message a place, a later one if it had one already. */
  put(request: PendingRequest, sequence: number, now: number): void {
    const since = this.#places.get(request)?.since ?? now
    this.#places.set(request, { since, sequence: Math.max(sequence, this.#firstQueued) })
  }

  /** A message was sent. */
  remove(request: PendingRequest): void {
    this.#places.delete(request)
  }

  /** The store may have removed all places before a sequence. */
  removeBefore(sequence: number): void {
    this.#firstQueued = Math.max(this.#firstQueued, sequence)
  }

  /** Whether a message has waited for so long that it is sent without the turn. */
  isOverdue(request: PendingRequest, now: number): boolean {
    const since = this.#places.get(request)?.since
    return this.isAlone || (since !== undefined && now >= since + this.maxWait)
  }
}

/** Finds the channels whose hidden limits the policies of this process know. */
export class HiddenLimits {
  /** Channels to which messages were sent before a limit was known. */
  readonly #counting = new WeakSet<ChannelState>()

  /** The channel against whose limit a message counts; `undefined` while none is known. */
  channelOf({ bucket, policy, routeState: { webhook } }: PendingRequest): ChannelState | undefined {
    const { channel } = webhook
    if (channel === undefined || !isForMessages(bucket)) return undefined
    if (!hasHiddenLimit(bucket, policy)) {
      this.#counting.add(channel)
      return undefined
    }
    channel.memories ??= new Map()
    return channel
  }

  share(channel: ChannelState): SharedChannel {
    return new SharedChannel(channel, this.#counting.delete(channel))
  }
}

/** Whether the messages of a webhook count in this bucket. */
function isForMessages(bucket: BucketState): boolean {
  return bucket.webhook.routes.some(
    (route) => route.bucket === bucket && route.name.startsWith("POST"),
  )
}

/** Whether the process knows a hidden limit, or the state of the webhook contains one. */
function hasHiddenLimit(bucket: BucketState, policy: Policy): boolean {
  if (bucket.findingsOf(policy).hiddenLimit !== undefined) return true
  const { learned, learnedBy } = bucket
  return learnedBy?.name === policy.name && policy.findings?.(learned).hiddenLimit !== undefined
}

/** The requests for which a turn is needed. */
export interface Requests extends Pick<WebhookState, "inFlight" | "waiting" | "buckets"> {
  readonly pending: () => Iterable<PendingRequest>
}

/** The messages of a channel that have the turn of their webhook. */
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
